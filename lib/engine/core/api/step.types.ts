import type { Compensation, CompensationOptions } from './compensation.types.js';
import type { EventRef } from './event.types.js';
import type { RetryPolicy } from './retry.types.js';
import type { Duration, ErrorClass, When } from './values.types.js';

/** What a step's function gets. */
export interface StepContext {
  /** Aborted on step timeout and whenever the run's signal is. */
  readonly signal: AbortSignal;
  /** 1 + the failures of this step so far, over all attempts of the run. */
  readonly attempt: number;
  /** Stable for (run, step): hand it to the outside system that must not act twice. */
  readonly idempotencyKey: string;
  /**
   * Stores the progress of a long step, visible in queries; a later attempt finds it in {@link lastProgress}. Need not be awaited: a value
   * that cannot be stored is logged, too.
   * @throws SerializationError, PayloadTooLargeError, CodecError
   */
  progress(value: unknown): Promise<void>;
  readonly lastProgress?: unknown;
}

/** Options of `ctx.step.run` and `@Step()`. */
export interface StepOptions<T = unknown> {
  /** Aborts the step's signal and fails it with `StepTimeoutError`, also when the function ignores the signal. @default none */
  timeout?: Duration | undefined;
  /** Attempts of this step alone, the first included. @default 1, so that the run's own policy applies */
  maxAttempts?: number | undefined;
  /** Retry policy of this step alone; wins over `maxAttempts`. */
  retries?: RetryPolicy | undefined;
  /** Error classes that this step's errors are rebuilt as, besides those that its workflow and the module list. @default none */
  errors?: readonly ErrorClass[] | undefined;
  /**
   * Undoes the step when the run fails for good or is canceled: if it has completed, and if it was started and its outcome is unknown.
   * The last completed step is undone first, each in a durable step `compensate:<step>` of its own with, by default, 3 attempts.
   * `ctx.commit()` keeps what completed before it. That the step was started is stored before its function is called, which costs one
   * more write.
   */
  compensate?: Compensation<T> | CompensationOptions<T> | undefined;
}

/** How a step starts another run. */
export interface ChildOptions {
  /** A `Date`, or a delay from now. @default now */
  runAt?: When | undefined;
  /** @default the child workflow's */
  queue?: string | undefined;
  /** Starts with one key and workflow return one run: it is then no child of this one if it existed before. */
  idempotencyKey?: string | undefined;
  /** Counted from creation. @default '24h' */
  idempotencyTtl?: Duration | undefined;
  /** 0 to 9, higher first. @default the child workflow's */
  priority?: number | undefined;
  tags?: Record<string, string> | undefined;
}

/** An event that a run waits for. */
export interface WaitForEvent<T = unknown> {
  event: EventRef<T>;
  /** Matched exactly: 1 to 512 bytes of text. */
  correlationKey: string;
  /** @default none: waits for ever */
  timeout?: Duration | undefined;
  /** Which events emitted before count: all since the run was created, or none. @default 'run' */
  lookback?: 'run' | 'none' | undefined;
}

/** How a step emits an event. */
export interface StepEmitOptions {
  /** @default derived from run and step */
  eventId?: string | undefined;
  correlationKey?: string | undefined;
}
