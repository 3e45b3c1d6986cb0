import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const PAUSE_QUEUE = defineOperation({
  name: 'pause_queue',
  args: ['queue'],
  reply: () => undefined,
});

/** Lets workers start nothing from the queue, whether it exists yet or not. */
export function pauseQueue(queue: string): Op<void> {
  return PAUSE_QUEUE({ queue });
}
