import type { ClientOptions } from '../core/client.types.js';
import type { ClientInternals } from './client-parts.js';
import { RedflowClient } from './redflow-client.js';

/**
 * A client without Nest. It connects with its first call; `close()` it in the end.
 *
 * @throws InvalidOptionError
 */
export function createClient(options: ClientOptions = {}, internals: ClientInternals = {}): RedflowClient {
  return new RedflowClient(options, internals);
}
