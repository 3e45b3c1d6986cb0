import { rejectUnknownKeys } from '../core/checks.js';
import { describeValue } from '../core/describe-value.js';
import { parsePositiveDuration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { withOptionOwner } from '../core/option-context.js';
import type { RetryPolicy } from '../core/retry.types.js';
import { type ResolvedRetryPolicy, resolveRetryPolicy } from '../core/retry-policy.js';
import type { Compensation, StepOptions } from '../core/workflow.types.js';

const STEP_OPTIONS = ['timeout', 'maxAttempts', 'retries', 'compensate'] as const;
const COMPENSATION_ATTEMPTS = 3;

/** The checked options of a step that is a function. */
export interface StepPolicy {
  readonly timeoutMs?: number;
  readonly retry?: ResolvedRetryPolicy;
  readonly compensation?: StepCompensation;
}

export interface StepCompensation {
  readonly run: Compensation;
  readonly retry: ResolvedRetryPolicy;
}

/** @throws InvalidOptionError */
export function stepPolicyOf(name: string, options: StepOptions): StepPolicy {
  const where = `step "${name}"`;
  rejectUnknownKeys(options, STEP_OPTIONS, where);
  const { timeout, maxAttempts, retries, compensate } = options;
  const retried = maxAttempts !== undefined || retries !== undefined;
  return {
    timeoutMs: timeout === undefined ? undefined : parsePositiveDuration(timeout, 'timeout'),
    retry: retried ? resolveRetryPolicy({ maxAttempts, retries }, 1, where) : undefined,
    compensation: compensate === undefined ? undefined : compensationOf(compensate, where),
  };
}

function compensationOf(given: NonNullable<StepOptions['compensate']>, owner: string): StepCompensation {
  const where = `compensate of ${owner}`;
  const isFunction = typeof given === 'function';
  const run: unknown = isFunction ? given : given?.run;
  if (typeof run !== 'function') {
    return withOptionOwner(owner, () => {
      throw new InvalidOptionError(
        'compensate',
        `Expected \`compensate\` to be a function or { run, retries }; got ${describeValue(given)}`,
      );
    });
  }
  if (!isFunction) rejectUnknownKeys(given, ['run', 'retries'], where);
  const retries: RetryPolicy | undefined = isFunction ? undefined : given.retries;
  return { run: run as Compensation, retry: resolveRetryPolicy({ retries }, COMPENSATION_ATTEMPTS, where) };
}
