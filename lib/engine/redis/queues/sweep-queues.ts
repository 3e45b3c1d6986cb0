import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const SWEEP_QUEUES = defineOperation({
  name: 'sweep_queues',
  args: ['cursor'],
  reply: (reply) => reply as number,
});

/** @returns the cursor to go on with, 0 when all names were looked at */
export function sweepQueues(cursor: number): Op<number> {
  return SWEEP_QUEUES({ cursor });
}
