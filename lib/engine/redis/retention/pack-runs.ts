import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Runs packed in one call: docs/benchmarks.md says how long it takes. */
export const PACK_BATCH = 10;

const PACK_RUNS = defineOperation({
  name: 'pack_runs',
  args: ['limit', 'pause'],
  reply: (reply) => reply === 1,
});

/**
 * Answers whether there may be more ended runs to pack.
 * @param pauseMs since any worker began a round, less than which there is nothing to do; 0 to go on with a round
 */
export function packRuns(limit: number, pauseMs = 0): Op<boolean> {
  return PACK_RUNS({ limit, pause: pauseMs });
}
