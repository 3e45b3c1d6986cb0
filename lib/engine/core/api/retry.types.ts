import type { RunRecord } from './run.types.js';
import type { Duration } from './values.types.js';

/** A delay that is always the same, or grows with every failure. */
export interface BackoffOptions {
  type: 'fixed' | 'exponential';
  delay: Duration;
  /** Growth per failure of an exponential backoff. @default 2 */
  factor?: number | undefined;
  /** @default '5m' */
  maxDelay?: Duration | undefined;
  /** Share of the delay that is drawn at random, 0 to 1. @default 0.5 if exponential, 0 if fixed */
  jitter?: number | undefined;
}

/** What a retry policy is asked about: the run, and the error that it or its step failed with. */
export interface RetryFailure {
  run: RunRecord;
  error: Error;
}

/** Whether and when a failed run, or a failed step, is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. @default 3 for a run, 1 for a step */
  maxAttempts?: number | undefined;
  /** How long the run is parked after a failure. @default exponential from 1 s, factor 2, at most 5 min, half jitter */
  delay?: Duration | ((failure: RetryFailure) => Duration) | BackoffOptions | undefined;
  /** Return false to fail at once. @default every error but those that can never succeed is retried */
  shouldRetry?: ((failure: RetryFailure) => boolean) | undefined;
}
