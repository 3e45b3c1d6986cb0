import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClient, RedisConnection } from '../redis/connection.js';

/** How much longer than asked a blocking call may take before its connection counts as dead. */
const GRACE_MS = 5_000;

/**
 * Blocks on the worker's wake key, so that an idle worker learns of new work at once. A wake-up is a hint: `onWake` is called after
 * every block, woken or not. A connection that failed is discarded, never revived.
 */
export class WakeListener {
  private client: RedisClient | undefined;
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(
    private readonly connection: RedisConnection,
    private readonly key: string,
    private readonly blockTimeoutMs: number,
    private readonly onWake: (message: string | undefined) => void,
  ) {}

  start(): void {
    this.loop = this.listen();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.discard();
    await this.loop;
  }

  private async listen(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        this.client ??= await this.connection.duplicate();
        if (this.stopping.signal.aborted) break;
        this.onWake(await this.block(this.client));
      } catch {
        // The reason was logged by the connection; what counts here is a fresh one.
        this.discard();
        this.onWake(undefined);
        await delay(200 + Math.random() * 300, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
    this.discard();
  }

  private async block(client: RedisClient): Promise<string | undefined> {
    const watchdog = setTimeout(() => client.disconnect(), this.blockTimeoutMs + GRACE_MS);
    try {
      return (await client.blpop(this.key, this.blockTimeoutMs / 1_000))?.[1];
    } finally {
      clearTimeout(watchdog);
    }
  }

  private discard(): void {
    if (!this.client) return;
    this.connection.discard(this.client);
    this.client = undefined;
  }
}
