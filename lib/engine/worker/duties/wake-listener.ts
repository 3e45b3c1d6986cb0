import { setTimeout as delay } from 'node:timers/promises';
import { LongTimer } from '../../core/async/long-timer.js';
import type { RedisClient, RedisConnection } from '../../redis/connection/connection.js';
import { within } from '../../redis/connection/deadline.js';
import { Outage } from '../../redis/connection/outage.js';
import { backoffMs } from '../../redis/connection/repeat-while-away.js';

/** How much longer than asked a blocking call may take before its connection counts as dead. */
const GRACE_MS = 5_000;
/** How long after a block the worker looks for work, should the listener be stuck. */
const LATE_MS = 1_000;
const SHORTEST_PAUSE_MS = 200;

/**
 * Blocks on the worker's wake key, so that an idle worker learns of new work at once. A wake-up is a hint: `onWake` is called after
 * every block, woken or not, and when a block is overdue, whatever the connection does. One that failed is discarded, never revived.
 */
export class WakeListener {
  private client: RedisClient | undefined;
  private readonly stopping = new AbortController();
  private readonly outage: Outage;
  private loop: Promise<void> | undefined;
  private overdue: LongTimer | undefined;

  constructor(
    private readonly connection: RedisConnection,
    private readonly key: string,
    private readonly blockTimeoutMs: number,
    private readonly onWake: (message: string | undefined) => void,
  ) {
    this.outage = new Outage(connection.logger, {
      lasts: (reason) => `${connection.address} wakes no idle worker (${reason}): it looks for runs every ${blockTimeoutMs} ms.`,
      isOver: () => `${connection.address} wakes idle workers again.`,
    });
  }

  start(): void {
    this.expect(this.blockTimeoutMs + LATE_MS);
    this.loop = this.listen();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.overdue?.cancel();
    this.discard();
    await this.loop;
  }

  private async listen(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.client ??= await this.connection.duplicate(signal);
        if (signal.aborted) break;
        const message = await this.block(this.client);
        failures = 0;
        this.outage.over();
        this.woken(message);
      } catch (error) {
        this.discard();
        if (signal.aborted) break;
        if (!this.connection.outage.isOn) this.outage.failed(error);
        this.woken(undefined);
        const pauseMs = Math.max(SHORTEST_PAUSE_MS, backoffMs(failures++, this.blockTimeoutMs));
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    this.discard();
  }

  private async block(client: RedisClient): Promise<string | undefined> {
    const popped = client.blpop(this.key, this.blockTimeoutMs / 1_000);
    return (await within(this.blockTimeoutMs + GRACE_MS, 'A block', popped))?.[1];
  }

  private woken(message: string | undefined): void {
    this.expect(this.blockTimeoutMs + LATE_MS);
    this.onWake(message);
  }

  private expect(afterMs: number): void {
    this.overdue?.cancel();
    if (this.stopping.signal.aborted) return;
    this.overdue = new LongTimer(afterMs, () => {
      this.expect(this.blockTimeoutMs);
      this.onWake(undefined);
    });
  }

  private discard(): void {
    if (!this.client) return;
    this.connection.discard(this.client);
    this.client = undefined;
  }
}
