import type { Op } from '../script/op.js';

/** Ends the pause of a queue. */
export function resumeQueue(queue: string): Op<void> {
  return { name: 'resume_queue', args: [queue], parse: () => undefined };
}
