import type { BackoffOptions, RetryFailure, RetryPolicy } from '../api/retry.types.js';
import { rejectUnknownKeys } from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { parseDuration, parsePositiveDuration } from '../checks/duration.js';
import { InvalidOptionError } from '../errors/option.errors.js';

/** Milliseconds to wait after the given number of failures. */
export type Backoff = (failure: RetryFailure, failures: number, random: () => number) => number;

export const DEFAULT_BACKOFF: BackoffOptions = { type: 'exponential', delay: 1_000 };
const DEFAULT_FACTOR = 2;
const DEFAULT_MAX_DELAY_MS = 5 * 60 * 1_000;
const DEFAULT_JITTER = 0.5;
const BACKOFF_KEYS = ['type', 'delay', 'factor', 'maxDelay', 'jitter'];

/** @throws InvalidOptionError when the delay, or a part of it, cannot be used */
export function resolveBackoff(delay: RetryPolicy['delay']): Backoff {
  if (delay === undefined) return resolveOptions(DEFAULT_BACKOFF);
  if (typeof delay === 'function') return (failure) => nonNegative(delay(failure), 'retries.delay()');
  if (typeof delay === 'object' && delay !== null) return resolveOptions(delay);
  const delayMs = nonNegative(delay, 'retries.delay');
  return () => delayMs;
}

function resolveOptions(options: BackoffOptions): Backoff {
  rejectUnknownKeys(options, BACKOFF_KEYS, '`retries.delay`');
  const exponential = options.type === 'exponential';
  if (!exponential && options.type !== 'fixed') {
    refuse('type', "'fixed' or 'exponential'", options.type);
  }
  const delayMs = nonNegative(options.delay, 'retries.delay.delay');
  const maxDelayMs = resolveMaxDelay(options, delayMs);
  const factor = exponential ? inRange(options.factor ?? DEFAULT_FACTOR, 'factor', 1, Number.MAX_VALUE) : 1;
  const jitter = inRange(options.jitter ?? (exponential ? DEFAULT_JITTER : 0), 'jitter', 0, 1);
  return (_failure, failures, random) => {
    // 0 times infinity, which the factor comes to after a thousand failures, is no number.
    const full = delayMs === 0 ? 0 : Math.min(delayMs * factor ** (failures - 1), maxDelayMs);
    return Math.round(full * (1 - jitter) + random() * full * jitter);
  };
}

/** A first delay longer than the default maximum raises it; longer than a maximum that was given, it is a mistake. */
function resolveMaxDelay({ delay, maxDelay }: BackoffOptions, delayMs: number): number {
  if (maxDelay === undefined) return Math.max(DEFAULT_MAX_DELAY_MS, delayMs);
  const maxDelayMs = parsePositiveDuration(maxDelay, 'retries.delay.maxDelay');
  if (maxDelayMs < delayMs) refuse('maxDelay', `at least the delay, ${describeValue(delay)}`, maxDelay);
  return maxDelayMs;
}

function nonNegative(value: Parameters<typeof parseDuration>[0], option: string): number {
  const parsed = parseDuration(value, option);
  if (parsed >= 0) return parsed;
  throw new InvalidOptionError(option, `Expected \`${option}\` to be at least 0 ms; got ${describeValue(value)}`);
}

function inRange(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  return refuse(name, max === Number.MAX_VALUE ? `a number of at least ${min}` : `a number from ${min} to ${max}`, value);
}

function refuse(name: string, expected: string, value: unknown): never {
  const option = `retries.delay.${name}`;
  throw new InvalidOptionError(option, `Expected \`${option}\` to be ${expected}; got ${describeValue(value)}`);
}
