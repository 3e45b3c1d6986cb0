import { createClient, type RedflowClient } from './redflow-client.js';

let defaultClient: RedflowClient | undefined;

/** The client behind `definition.run()`; made from the environment on first use. */
export function getDefaultClient(): RedflowClient {
  defaultClient ??= createClient();
  return defaultClient;
}

/** Replaces the client behind `definition.run()`; undefined forgets it. The former one is not closed. */
export function setDefaultClient(client: RedflowClient | undefined): void {
  defaultClient = client;
}
