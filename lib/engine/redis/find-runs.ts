import type { Page } from '../core/client.types.js';
import { pageArgs, type RunPageRequest } from './list-runs.js';
import type { Op } from './op.js';

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
