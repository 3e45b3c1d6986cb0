import { setTimeout as delay } from 'node:timers/promises';
import type { Narrator } from './narrator.js';
import { OrderWatcher } from './order-watcher.js';
import type { OrdersApi } from './orders-api.js';
import { summarize } from './summary.js';
import { isWaiting, TOUR_ORDERS, type TourOrder } from './tour-orders.js';

const POLL_MS = 100;
const PATIENCE_MS = 120_000;

/** Places a handful of orders over HTTP, as a customer would, and tells what becomes of them. */
export class Tour {
  private readonly watchers: OrderWatcher[] = [];
  private readonly called = new Set<OrderWatcher>();
  private readonly deadline = performance.now() + PATIENCE_MS;

  constructor(
    private readonly api: OrdersApi,
    private readonly narrator: Narrator,
  ) {}

  /** @returns the ids of the orders, and whether all came out as they should */
  async run(): Promise<{ orderIds: string[]; ok: boolean }> {
    for (const order of TOUR_ORDERS) {
      const watcher = await this.place(order, `order ${this.watchers.length + 1}`);
      this.watchers.push(watcher);
      if (order.until) await this.watchUntil(() => watcher.hasEnded || watcher.isAt(order.until));
    }
    const isLimited = await this.placeOneTooMany();
    await this.watchUntil(() => this.watchers.every(({ isDone }) => isDone));
    await this.tellDigest();
    this.narrator.print(summarize(this.watchers));
    return {
      orderIds: this.watchers.map(({ id }) => id),
      ok: isLimited && this.watchers.every(({ isAsExpected }) => isAsExpected),
    };
  }

  private async place(order: TourOrder, name: string): Promise<OrderWatcher> {
    const { story, body, twice } = order;
    const { id } = await this.api.place(body, `tour: ${name}`);
    this.narrator.say(name, `placed as ${id} (${story})`);
    if (twice) {
      const again = await this.api.place(body, `tour: ${name}`);
      this.narrator.say(name, `placed again: answered with ${again.id === id ? 'the same order' : `another order, ${again.id}`}`);
    }
    return new OrderWatcher(id, name, order, this.narrator);
  }

  /** The customer has had what the `rateLimit` of the workflow allows. */
  private async placeOneTooMany(): Promise<boolean> {
    const { status, message } = await this.api.tryPlace(TOUR_ORDERS[0].body);
    this.narrator.say(`order ${this.watchers.length + 1}`, `placed, and answered with ${status}: ${message}`);
    return status === 429;
  }

  /** Plays the outside world: calls the webhook that an order waits for, once. */
  private async callWebhook(watcher: OrderWatcher): Promise<void> {
    const { webhook } = watcher.order;
    if (!webhook || this.called.has(watcher) || !watcher.isAt(isWaiting)) return;
    this.called.add(watcher);
    watcher.say(
      webhook === 'approve' ? 'a manager approves it: POST /orders/:id/approval' : 'the transfer comes: POST /orders/:id/payment',
    );
    await this.api[webhook](watcher.id);
  }

  /** The schedule makes one every minute; the tour does not wait for it. */
  private async tellDigest(): Promise<void> {
    const { id } = await this.api.triggerDigest();
    this.narrator.say('digest', 'triggered; the schedule starts one every minute');
    const find = async () => (await this.api.digests()).find((digest) => digest.id === id);
    let digest = await find();
    while (!digest) {
      this.checkPatience();
      await delay(POLL_MS);
      digest = await find();
    }
    this.narrator.say('digest', digest.text);
  }

  private checkPatience(): void {
    if (performance.now() > this.deadline) throw new Error(`The orders did not come to an end within ${PATIENCE_MS / 1_000} s.`);
  }

  private async watchUntil(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      this.checkPatience();
      for (const watcher of this.watchers) {
        if (watcher.isDone) continue;
        watcher.observe(await this.api.show(watcher.id));
        await this.callWebhook(watcher);
      }
      await delay(POLL_MS);
    }
  }
}
