import { setTimeout as delay } from 'node:timers/promises';
import type { Narrator } from './narrator.js';
import { OrderWatcher } from './order-watcher.js';
import type { OrdersApi } from './orders-api.js';
import { addsUp, summarize } from './summary.js';
import { TOUR_ORDERS, type TourOrder } from './tour-orders.js';

const POLL_MS = 100;
const PATIENCE_MS = 120_000;

/** Places a handful of orders over HTTP, as a customer would, and tells what becomes of them. */
export class Tour {
  private readonly watchers: OrderWatcher[] = [];
  private readonly deadline = performance.now() + PATIENCE_MS;

  constructor(
    private readonly api: OrdersApi,
    private readonly narrator: Narrator,
  ) {}

  /** @returns the ids of the orders, and whether all succeeded with exactly one charge each */
  async run(): Promise<{ orderIds: string[]; ok: boolean }> {
    for (const order of TOUR_ORDERS) {
      const watcher = await this.place(order, `order ${this.watchers.length + 1}`);
      this.watchers.push(watcher);
      if (order.until) await this.watchUntil(() => watcher.hasEnded || watcher.isAt(order.until));
    }
    await this.watchUntil(() => this.watchers.every(({ hasEnded }) => hasEnded));
    this.narrator.print(summarize(this.watchers));
    return { orderIds: this.watchers.map(({ id }) => id), ok: this.watchers.every(addsUp) };
  }

  private async place({ story, body, twice }: TourOrder, name: string): Promise<OrderWatcher> {
    const { id } = await this.api.place(body, `tour: ${name}`);
    this.narrator.say(name, `placed as ${id} (${story})`);
    if (twice) {
      const again = await this.api.place(body, `tour: ${name}`);
      this.narrator.say(name, `placed again: answered with ${again.id === id ? 'the same order' : `another order, ${again.id}`}`);
    }
    return new OrderWatcher(id, name, story, this.narrator);
  }

  private async watchUntil(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      if (performance.now() > this.deadline)
        throw new Error(`The orders did not come to an end within ${PATIENCE_MS / 1_000} s.`);
      for (const watcher of this.watchers) {
        if (!watcher.hasEnded) watcher.observe(await this.api.show(watcher.id));
      }
      await delay(POLL_MS);
    }
  }
}
