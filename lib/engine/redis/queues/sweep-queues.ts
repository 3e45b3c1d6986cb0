import type { Op } from '../script/op.js';

/** @returns the cursor to go on with, 0 when all names were looked at */
export function sweepQueues(cursor: number): Op<number> {
  return { name: 'sweep_queues', args: [cursor], parse: (reply) => reply as number };
}
