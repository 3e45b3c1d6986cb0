import type { RetryFailure } from '../../core/api/retry.types.js';
import type { RunRecord } from '../../core/api/run.types.js';
import { isNeverRetried } from '../../core/errors/index.js';
import { decodePayload } from '../../core/payload/payload.js';
import type { ResolvedRetryPolicy } from '../../core/workflows/retry-policy.js';
import { attemptOf, type StoredRun } from '../../redis/runs/stored-run.js';

/** A run in execution, as retry policies see it. */
export function runningRecord(stored: StoredRun, encodedInput: string, maxAttempts: number, workerId: string): RunRecord {
  const { failures, recoveryStreak, handBacks, blockedMs, unjudged, unadmitted, hookOf, unwinding, ...run } = stored;
  return {
    ...run,
    status: 'running',
    input: decodePayload(encodedInput),
    attempt: attemptOf({ failures, unwinding }),
    maxAttempts,
    workerId,
  };
}

/**
 * Whether a run is tried again after its attempt failed, and when.
 *
 * A policy function that throws fails the run with its own error: nothing sensible can be guessed in its place.
 * @param failure the error as it is stored
 * @param failures so far, this one included
 */
export function verdictOn(
  failure: Error,
  failures: number,
  maxAttempts: number,
  retry: ResolvedRetryPolicy,
  pass: { failureOf(error: Error): RetryFailure },
): { delayMs?: number; error: unknown } {
  if (isNeverRetried(failure) || failures >= maxAttempts) return { error: failure };
  try {
    const verdict = retry.decide(pass.failureOf(failure), failures);
    return { error: failure, delayMs: verdict.retry ? verdict.delayMs : undefined };
  } catch (policyError) {
    return { error: policyError };
  }
}
