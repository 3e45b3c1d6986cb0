import type { RetryMeta } from '../api/registry.types.js';
import type { RetryFailure, RetryPolicy } from '../api/retry.types.js';
import { checkMaxAttempts, rejectUnknownKeys } from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { withOptionOwner } from '../checks/option-context.js';
import { isNeverRetried, redflowErrorCode } from '../errors/error-codes.js';
import { InvalidOptionError } from '../errors/option.errors.js';
import { DEFAULT_BACKOFF, resolveBackoff } from './backoff.js';

/** Whether a failed attempt is worth another, and after how many milliseconds. */
export type RetryDecision = { retry: false } | { retry: true; delayMs: number };

/** A checked retry policy with its defaults filled in. */
export interface ResolvedRetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  /** Whether the number was given, not a default. */
  readonly explicitMaxAttempts: boolean;
  /** What can be told of it. */
  readonly meta: RetryMeta;
  /**
   * Judges the error alone: the caller compares the failures with the attempt budget.
   *
   * @param failures failures so far, this one included
   * @param random a number from 0 to 1, for the jitter
   * @throws InvalidOptionError when the user's `delay` or `shouldRetry` returned something unusable, or whatever they throw
   */
  decide(failure: RetryFailure, failures: number, random?: () => number): RetryDecision;
}

const POLICY_KEYS = ['maxAttempts', 'delay', 'shouldRetry'];

/**
 * Checks the retry options of a workflow or step. `retries.maxAttempts` wins over `maxAttempts`, and both over the default.
 *
 * @param where whose options they are: `workflow "charge"`
 * @throws InvalidOptionError naming the option and the owner
 */
export function resolveRetryPolicy(
  source: { maxAttempts?: number; retries?: RetryPolicy },
  defaultMaxAttempts: number,
  where: string,
): ResolvedRetryPolicy {
  return withOptionOwner(where, () => {
    rejectUnknownKeys(source.retries, POLICY_KEYS, '`retries`');
    const { maxAttempts, delay, shouldRetry } = source.retries ?? {};
    if (source.maxAttempts !== undefined) checkMaxAttempts(source.maxAttempts);
    if (maxAttempts !== undefined) checkMaxAttempts(maxAttempts, 'retries.maxAttempts');
    if (shouldRetry !== undefined && typeof shouldRetry !== 'function') {
      throw new InvalidOptionError(
        'retries.shouldRetry',
        `Expected \`retries.shouldRetry\` to be a function; got ${describeValue(shouldRetry)}`,
      );
    }
    const given = maxAttempts ?? source.maxAttempts;
    const backoff = resolveBackoff(delay);
    return Object.freeze({
      maxAttempts: given ?? defaultMaxAttempts,
      explicitMaxAttempts: given !== undefined,
      meta: Object.freeze({
        maxAttempts: given ?? defaultMaxAttempts,
        delay: typeof delay === 'function' ? 'custom' : (delay ?? DEFAULT_BACKOFF),
        ...(shouldRetry && { shouldRetry: 'custom' as const }),
      }),
      decide: (failure: RetryFailure, failures: number, random: () => number = Math.random): RetryDecision =>
        withOptionOwner(where, () => {
          if (isNeverRetried(failure.error) || !allows(shouldRetry, failure)) return { retry: false };
          return { retry: true, delayMs: requestedDelay(failure.error) ?? backoff(failure, failures, random) };
        }),
    });
  });
}

function allows(shouldRetry: RetryPolicy['shouldRetry'], failure: RetryFailure): boolean {
  if (shouldRetry === undefined) return true;
  const answer: unknown = shouldRetry(failure);
  if (typeof answer === 'boolean') return answer;
  throw new InvalidOptionError(
    'retries.shouldRetry',
    `Expected \`retries.shouldRetry()\` to return true or false; got ${describeValue(answer)}`,
  );
}

/** The delay that a `RetryAfterError` or a `RateLimitedError` asks for. */
function requestedDelay(error: Error): number | undefined {
  const code = redflowErrorCode(error);
  if (code !== 'RETRY_AFTER' && code !== 'RATE_LIMITED') return undefined;
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? retryAfterMs : undefined;
}
