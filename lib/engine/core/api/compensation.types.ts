import type { RetryPolicy } from './retry.types.js';
import type { Duration, Stored } from './values.types.js';

/**
 * Undoes what a step did, or may have done, when its run fails for good or is canceled.
 * @param output the stored output of the step; undefined where its outcome is unknown
 */
export type Compensation<T = unknown> = (output: Stored<T> | undefined, ctx: CompensationContext) => unknown;

/** What a compensation is told beside the output of the step that it undoes. */
export interface CompensationContext {
  /** The compensation's own: stable for (run, step), and another one than the step's. */
  readonly idempotencyKey: string;
  /** The key that the step's function had: what it did can be looked up under it. */
  readonly stepIdempotencyKey: string;
  /**
   * `unknown`: the step's function was started, and nobody knows what it did: its process died, its time ran out, its run was canceled or
   * timed out before it settled, it failed after its signal was aborted, or what it returned could not be stored.
   */
  readonly outcome: 'completed' | 'unknown';
  /** Why: the run's error, or `RunCanceledError`. */
  readonly error?: Error;
  /** Aborted when the compensation's `timeout` is over, on lease loss and on forced shutdown. */
  readonly signal: AbortSignal;
}

/** A compensation with options of its own. */
export interface CompensationOptions<T = unknown> {
  /** The compensation. */
  run: Compensation<T>;
  /** @default 3 attempts with the default backoff */
  retries?: RetryPolicy | undefined;
  /** For each attempt: aborts its signal and fails it with `StepTimeoutError`, also when the function ignores the signal. @default '10m' */
  timeout?: Duration | undefined;
  /**
   * What is done where the outcome of the step is unknown: `run` calls the compensation, `report` only adds an `UnknownOutcomeError` to
   * the run's `compensationErrors`, for somebody to look into.
   * @default 'run'
   */
  unknown?: 'run' | 'report' | undefined;
}
