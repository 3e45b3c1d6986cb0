import { setTimeout as delay } from 'node:timers/promises';
import type { Narrator } from './narrator.js';
import { OrderWatcher } from './order-watcher.js';
import type { OrdersApi } from './orders-api.js';
import { adds, summarize } from './summary.js';
import { TOUR_ORDERS, type TourOrder } from './tour-orders.js';

const POLL_MS = 100;
const PATIENCE_MS = 120_000;

/** Places a handful of orders over HTTP, as a customer would, and tells what becomes of them. */
export class Tour {
  constructor(
    private readonly api: OrdersApi,
    private readonly narrator: Narrator,
  ) {}

  /** @returns the ids of the orders, and whether all succeeded with exactly one charge each */
  async run(): Promise<{ orderIds: string[]; ok: boolean }> {
    const watchers: OrderWatcher[] = [];
    for (const order of TOUR_ORDERS) watchers.push(await this.place(order, `order ${watchers.length + 1}`));
    await this.watch(watchers);
    this.narrator.print(summarize(watchers));
    return { orderIds: watchers.map(({ id }) => id), ok: watchers.every(adds) };
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

  private async watch(watchers: OrderWatcher[]): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const open = watchers.filter(({ hasEnded }) => !hasEnded);
      if (open.length === 0) return;
      for (const watcher of open) watcher.observe(await this.api.show(watcher.id));
      await delay(POLL_MS);
    }
    this.narrator.say('tour', `not all orders ended within ${PATIENCE_MS / 1_000} s`);
  }
}
