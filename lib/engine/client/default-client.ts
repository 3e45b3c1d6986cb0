import { onePerProcess } from '../core/copies.js';
import { createClient } from './create-client.js';
import type { RedflowClient } from './redflow-client.js';

const holder = onePerProcess<{ client?: RedflowClient }>('default-client', () => ({}));

/** The client behind `definition.run()`; made from the environment on first use. */
export function getDefaultClient(): RedflowClient {
  holder.client ??= createClient();
  return holder.client;
}

/** Replaces the client behind `definition.run()`; undefined forgets it. The former one is not closed. */
export function setDefaultClient(client: RedflowClient | undefined): void {
  holder.client = client;
}
