import { RedflowError } from './redflow.error.js';

/** Redis could not be reached, or the client or worker was closed meanwhile. */
export class ConnectionError extends RedflowError {
  readonly code = 'CONNECTION';
}

/** The server is too old. */
export class UnsupportedRedisError extends RedflowError {
  readonly code = 'UNSUPPORTED_REDIS';
  /** Version the server reports. */
  readonly found: string;
  /** Oldest version that works. */
  readonly required: string;

  constructor(ids: { found: string; required: string }) {
    super(`Redis ${ids.found} is too old: ${ids.required} or newer is needed. Upgrade the server, or use Valkey.`);
    this.found = ids.found;
    this.required = ids.required;
  }
}
