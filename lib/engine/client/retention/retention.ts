import { checkPositiveInteger, rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import type { Keyspace } from '../../redis/keyspace.js';
import { resetNamespace } from '../../redis/retention/reset-namespace.js';
import { sweepEvents } from '../../redis/retention/sweep-events.js';
import { SWEEP_BATCH, sweepHistory } from '../../redis/retention/sweep-history.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { loseLeases } from '../../redis/workers/lose-leases.js';

/** Deletes on demand what workers delete in time, and what a developer wants gone. */
export class Retention {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: WriteBuffer,
    private readonly retentionMs: number,
  ) {}

  /** @throws InvalidOptionError */
  cleanupRuns(options: { limit?: number | undefined }): Promise<{ deleted: number }> {
    rejectUnknownKeys(options, ['limit'], 'cleanupExpiredRunsNow()');
    return this.sweep(sweepHistory, options.limit);
  }

  /** @throws InvalidOptionError */
  cleanupEvents(options: { limit?: number | undefined }): Promise<{ deleted: number }> {
    rejectUnknownKeys(options, ['limit'], 'cleanupExpiredEventsNow()');
    return this.sweep(sweepEvents, options.limit);
  }

  /** @throws InvalidOptionError unless the prefix is confirmed */
  async reset(what: 'runs' | 'state', options: { confirm: string }): Promise<void> {
    const where = what === 'runs' ? 'resetRuns()' : 'resetState()';
    rejectUnknownKeys(options, ['confirm'], where);
    const { prefix } = this.keys;
    if (options?.confirm !== prefix) {
      const lost = what === 'runs' ? 'all runs' : 'everything';
      throw new InvalidOptionError(
        'confirm',
        `${where} deletes ${lost} under the prefix of this client. To do so pass \`confirm\` as ${describeValue(prefix)}; got ${describeValue(options?.confirm)}`,
      );
    }
    await resetNamespace(this.connection, this.keys, what);
    // Workers that have noticed, and registered again, while keys were still being deleted do so once more.
    if (what === 'state') await this.buffer.add(loseLeases());
  }

  private async sweep(sweepBatch: typeof sweepHistory, limit = 1_000): Promise<{ deleted: number }> {
    checkPositiveInteger(limit, 'limit');
    for (let deleted = 0; ; ) {
      const batch = await this.buffer.add(sweepBatch(this.retentionMs, Math.min(SWEEP_BATCH, limit - deleted)));
      deleted += batch.deleted;
      if (!batch.more || deleted === limit) return { deleted };
    }
  }
}
