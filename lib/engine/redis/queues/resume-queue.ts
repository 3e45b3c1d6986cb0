import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const RESUME_QUEUE = defineOperation({
  name: 'resume_queue',
  args: ['queue'],
  reply: () => undefined,
});

/** Ends the pause of a queue. */
export function resumeQueue(queue: string): Op<void> {
  return RESUME_QUEUE({ queue });
}
