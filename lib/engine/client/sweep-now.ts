import { checkPositiveInteger } from '../core/checks.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { Op } from '../redis/op.js';

const BATCH = 200;

/** Deletes in batches until nothing is left, or `limit` is reached. */
export async function sweepNow(
  buffer: CommitBuffer,
  sweep: (limit: number) => Op<number>,
  limit = 1_000,
): Promise<{ deleted: number }> {
  checkPositiveInteger(limit, 'limit', {});
  let deleted = 0;
  while (deleted < limit) {
    const batch = Math.min(BATCH, limit - deleted);
    const removed = await buffer.add(sweep(batch));
    deleted += removed;
    if (removed < batch) break;
  }
  return { deleted };
}
