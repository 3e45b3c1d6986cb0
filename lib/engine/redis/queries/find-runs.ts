import type { Page } from '../../core/api/client.types.js';
import type { Op } from '../script/op.js';
import { pageArgs, type RunPageRequest } from './list-runs.js';

/** As `listRuns`, but answers ids alone. */
export function findRuns(request: RunPageRequest): Op<Page<string>> {
  return {
    name: 'find_runs',
    args: pageArgs(request),
    parse: (reply) => {
      const [cursor, ...items] = reply as string[];
      return cursor === '' ? { items } : { items, cursor };
    },
  };
}
