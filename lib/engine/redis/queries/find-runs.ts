import type { Page } from '../../core/api/client.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { pageFields, type RunPageRequest } from './list-runs.js';

const FIND_RUNS = defineOperation({
  name: 'find_runs',
  args: [
    'after',
    'sort',
    'limit',
    'scan',
    'statuses',
    'workflow',
    'queue',
    'created_after',
    'created_before',
    'parent',
    '...tags',
  ],
  reply: (reply): Page<string> => {
    const [cursor, ...items] = reply as string[];
    return cursor === '' ? { items } : { items, cursor };
  },
});

/** As `listRuns`, but answers ids alone. */
export function findRuns(request: RunPageRequest): Op<Page<string>> {
  return FIND_RUNS(pageFields(request));
}
