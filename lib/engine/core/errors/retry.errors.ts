import type { Duration } from '../api/values.types.js';
import { parseDuration } from '../checks/duration.js';
import { RedflowError, type RedflowErrorOptions } from './redflow.error.js';

/**
 * Throw it from a handler or step to fail the run at once, whatever its retry policy. May be extended.
 *
 * @example throw new NonRetriableError('Card declined');
 */
export class NonRetriableError extends RedflowError {
  readonly code = 'NON_RETRIABLE';
}

/**
 * Throw it from a handler or step to set the delay before the next attempt; the attempt budget still applies. May be extended.
 *
 * @example throw new RetryAfterError('90s', 'The API is over its rate limit');
 */
export class RetryAfterError extends RedflowError {
  readonly code = 'RETRY_AFTER';
  /** Milliseconds until the next attempt; never negative. */
  readonly retryAfterMs: number;

  /** @throws InvalidOptionError when the duration cannot be read */
  constructor(duration: Duration, message?: string, options?: RedflowErrorOptions) {
    const retryAfterMs = Math.max(0, parseDuration(duration, 'duration'));
    super(message ?? `Retry after ${retryAfterMs} ms.`, options);
    this.retryAfterMs = retryAfterMs;
  }
}
