import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClient, RedisConnection } from './connection.js';
import { within } from './deadline.js';
import { Outage } from './outage.js';
import { backoffMs } from './repeat-while-away.js';

const LONGEST_SUBSCRIBE_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;

/** Keeps one channel subscribed, on one fresh connection after the other. What is published in between is lost. */
export class Subscription {
  private loop: Promise<void> | undefined;
  private subscribed = false;
  private readonly stopping = new AbortController();
  private readonly outage: Outage;

  /** @param onUp told whenever messages begin to arrive, for what may have been lost until then */
  constructor(
    private readonly connection: RedisConnection,
    private readonly channel: string,
    private readonly onMessage: (text: string) => void,
    private readonly onUp: () => void,
  ) {
    this.outage = new Outage(connection.logger, {
      lasts: (reason) => `${connection.address} pushes no results (${reason}): calls of result() ask for them every few seconds.`,
      isOver: () => `${connection.address} pushes results again.`,
    });
  }

  get isUp(): boolean {
    return this.subscribed;
  }

  /** Begins with it; a second call changes nothing. */
  start(): void {
    this.loop ??= this.keep();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async keep(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const client = await this.connection.duplicate(signal);
        if (signal.aborted) this.connection.discard(client);
        else
          await this.listen(client, () => {
            failures = 0;
          });
      } catch (error) {
        if (!signal.aborted && !this.connection.outage.isOn) this.outage.failed(error);
      }
      await delay(backoffMs(failures, LONGEST_PAUSE_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends with the connection. */
  private async listen(client: RedisClient, up: () => void): Promise<void> {
    const { signal } = this.stopping;
    const discard = () => this.connection.discard(client);
    const ended = new Promise((resolve) => client.once('end', resolve));
    signal.addEventListener('abort', discard, { once: true });
    try {
      client.on('message', (_channel: string, text: string) => this.onMessage(text));
      await within(LONGEST_SUBSCRIBE_MS, 'Subscribing', client.subscribe(this.channel));
      this.subscribed = true;
      this.outage.over();
      up();
      this.onUp();
      await ended;
    } finally {
      this.subscribed = false;
      signal.removeEventListener('abort', discard);
      discard();
    }
  }
}
