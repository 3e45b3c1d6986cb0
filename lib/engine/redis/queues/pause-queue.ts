import type { Op } from '../script/op.js';

/** Lets workers start nothing from the queue, whether it exists yet or not. */
export function pauseQueue(queue: string): Op<void> {
  return { name: 'pause_queue', args: [queue], parse: () => undefined };
}
