import type { ClientOptions } from '../core/api/client.types.js';
import { RedflowClient } from './redflow-client.js';

/**
 * A client without Nest. It connects with its first call; `close()` it in the end.
 *
 * @throws InvalidOptionError
 */
export function createClient(options: ClientOptions = {}): RedflowClient {
  return new RedflowClient(options);
}
