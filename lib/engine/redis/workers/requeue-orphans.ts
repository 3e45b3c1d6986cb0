import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Runs per operation: Redis serves nobody else meanwhile. */
export const ORPHANS_PER_CALL = 100;

const REQUEUE_ORPHANS = defineOperation({
  name: 'requeue_orphans',
  args: ['worker', 'read', '...ids'],
  reply: (reply) => reply as string[],
});

/**
 * Queues runs again that Redis says the worker executes and that it does not hold. Answers those that were.
 * @param read number of the last claim of each lane whose answer the worker had read when it looked
 */
export function requeueOrphans(workerId: string, read: readonly number[], runIds: readonly string[]): Op<string[]> {
  return REQUEUE_ORPHANS({ worker: workerId, read: JSON.stringify(read), ids: runIds });
}
