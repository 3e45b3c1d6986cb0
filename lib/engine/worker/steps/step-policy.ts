import type { Compensation, CompensationOptions } from '../../core/api/compensation.types.js';
import type { StepOptions } from '../../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { parsePositiveDuration } from '../../core/checks/duration.js';
import { withOptionOwner } from '../../core/checks/option-context.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { type ResolvedRetryPolicy, resolveRetryPolicy } from '../../core/workflows/retry-policy.js';

const STEP_OPTIONS = ['timeout', 'maxAttempts', 'retries', 'errors', 'compensate'] as const;
const COMPENSATION_ATTEMPTS = 3;
const COMPENSATION_TIMEOUT = '10m';
const COMPENSATION_OPTIONS = ['run', 'retries', 'timeout', 'unknown'] as const;

/** The checked options of a step that is a function. */
export interface StepPolicy {
  readonly timeoutMs?: number;
  readonly retry?: ResolvedRetryPolicy;
  /** Where the step lists any: those and the ones of its workflow. */
  readonly errors?: ErrorClasses;
  readonly compensation?: StepCompensation;
}

export interface StepCompensation {
  readonly run: Compensation;
  readonly retry: ResolvedRetryPolicy;
  readonly timeoutMs: number;
  /** What is done where the outcome of the step is unknown. */
  readonly unknown: 'run' | 'report';
}

/**
 * @param outer what the workflow and the worker list
 * @throws InvalidOptionError
 */
export function stepPolicyOf(name: string, options: StepOptions, outer: ErrorClasses): StepPolicy {
  const where = `step "${name}"`;
  rejectUnknownKeys(options, STEP_OPTIONS, where);
  const { timeout, maxAttempts, retries, errors, compensate } = options;
  const retried = maxAttempts !== undefined || retries !== undefined;
  return {
    timeoutMs: timeout === undefined ? undefined : parsePositiveDuration(timeout, 'timeout'),
    retry: retried ? resolveRetryPolicy({ maxAttempts, retries }, 1, where) : undefined,
    errors: errors === undefined ? undefined : outer.with(errors, where),
    compensation: compensate === undefined ? undefined : compensationOf(compensate, where),
  };
}

function compensationOf(given: NonNullable<StepOptions['compensate']>, owner: string): StepCompensation {
  const where = `compensate of ${owner}`;
  const options: Partial<CompensationOptions> = typeof given === 'function' ? { run: given } : (given ?? {});
  const { run, retries, timeout = COMPENSATION_TIMEOUT, unknown = 'run' } = options;
  if (typeof run !== 'function') {
    const problem = `Expected \`compensate\` to be a function or { ${COMPENSATION_OPTIONS.join(', ')} }; got ${describeValue(given)}`;
    throw new InvalidOptionError('compensate', `${problem} (${owner})`);
  }
  rejectUnknownKeys(options, COMPENSATION_OPTIONS, where);
  const retry = resolveRetryPolicy({ retries }, COMPENSATION_ATTEMPTS, where);
  return withOptionOwner(where, () => {
    if (unknown !== 'run' && unknown !== 'report') {
      throw new InvalidOptionError('unknown', `Expected \`unknown\` to be 'run' or 'report'; got ${describeValue(unknown)}`);
    }
    return { run, retry, timeoutMs: parsePositiveDuration(timeout, 'timeout'), unknown };
  });
}
