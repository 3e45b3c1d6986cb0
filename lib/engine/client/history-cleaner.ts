import { checkPositiveInteger, rejectUnknownKeys } from '../core/checks.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { sweepEvents } from '../redis/sweep-events.js';
import { sweepHistory } from '../redis/sweep-history.js';

const BATCH = 200;

/** Deletes what is past its retention. */
export class HistoryCleaner {
  constructor(
    private readonly buffer: CommitBuffer,
    private readonly retentionMs: number,
  ) {}

  /** @throws InvalidOptionError */
  async cleanRuns(options: { limit?: number } = {}): Promise<{ deleted: number }> {
    rejectUnknownKeys(options, ['limit'], 'cleanupExpiredRunsNow()');
    return this.sweep(sweepHistory, options.limit);
  }

  /** @throws InvalidOptionError */
  async cleanEvents(options: { limit?: number } = {}): Promise<{ deleted: number }> {
    rejectUnknownKeys(options, ['limit'], 'cleanupExpiredEventsNow()');
    return this.sweep(sweepEvents, options.limit);
  }

  private async sweep(sweepBatch: typeof sweepHistory, limit = 1_000): Promise<{ deleted: number }> {
    checkPositiveInteger(limit, 'limit', {});
    let deleted = 0;
    while (deleted < limit) {
      const batch = Math.min(BATCH, limit - deleted);
      const removed = await this.buffer.add(sweepBatch(this.retentionMs, batch));
      deleted += removed;
      if (removed < batch) break;
    }
    return { deleted };
  }
}
