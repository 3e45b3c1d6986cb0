import type { Op } from './op.js';

/** Runs packed in one call: docs/benchmarks.md says how long it takes. */
export const PACK_BATCH = 20;

/** Answers whether there may be more ended runs to pack. */
export function packRuns(limit: number): Op<boolean> {
  return { name: 'pack_runs', args: [limit], parse: (reply) => reply === 1 };
}
