import { setTimeout as delay } from 'node:timers/promises';
import type { Narrator } from './narrator.js';
import type { OrdersApi } from './orders-api.js';

const POLL_MS = 1_000;

/** Tells every digest that the schedule makes from now on. Ends when a request fails, as it does at the shutdown. */
export async function watchDigests(api: OrdersApi, narrator: Narrator): Promise<void> {
  const known = new Set((await api.digests()).map(({ id }) => id));
  for (;;) {
    await delay(POLL_MS);
    for (const { id, text } of (await api.digests()).reverse()) {
      if (!known.has(id)) narrator.say('digest', text);
      known.add(id);
    }
  }
}
