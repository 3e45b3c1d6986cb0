import type { Duration } from './values.types.js';

/**
 * Names what a limit applies to, from the input as the handler will see it: at most 512 bytes of any text. Keys of different workflows
 * never meet. `undefined` puts no limit on the run; the empty text is a key like any other.
 */
// A method's parameters are bivariant: those who only pass a workflow on need not know its input.
export type KeyFunction<I = unknown> = { of(input: I): string | undefined }['of'];

/** At most `limit` in every sliding window of `period`, by key. */
export interface LimitOptions<I = unknown> {
  /** @default one limit for the whole workflow */
  key?: KeyFunction<I> | undefined;
  /** At least 1. */
  limit: number;
  period: Duration;
}

/** Joins creates of one key into one run. */
export interface DebounceOptions<I = unknown> {
  /** Creates with the same key are joined. */
  key: KeyFunction<I>;
  /** How long no other create may come before the run starts. */
  period: Duration;
  /** The run starts this long after the first create at the latest; at least `period`. @default no limit */
  timeout?: Duration | undefined;
}

/** Options that decide whether and when a new run may start. */
export interface AdmissionOptions<I = unknown> {
  /** One run per key from its first start until it has ended, waits and backoffs included; others wait, first in, first out. */
  mutex?: KeyFunction<I> | undefined;
  /** Delays starts beyond the limit, first in, first out. Only the first start of a run counts. */
  throttle?: LimitOptions<I> | undefined;
  /** Refuses creates beyond the limit with `RateLimitedError`. */
  rateLimit?: LimitOptions<I> | undefined;
  /** Starts one run, with the latest input, for all creates that follow each other within `period`. */
  debounce?: DebounceOptions<I> | undefined;
}
