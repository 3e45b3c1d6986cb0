import type { LoggerPort } from '../../core/api/values.types.js';
import type { WorkflowContext } from '../../core/api/workflow.types.js';
import { hookIdOf } from '../../core/ids.js';
import { describeError, errorForLog } from '../../core/payload/stored-error.js';
import { finishUnwinding } from '../../redis/compensation/finish-unwinding.js';
import { unwindRun } from '../../redis/compensation/unwind-run.js';
import { finishHook } from '../../redis/failure-hook/finish-hook.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import { finishRun, type Outcome } from '../../redis/runs/finish-run.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { Op, WriteStatus } from '../../redis/script/op.js';
import type { ServedWorkflow } from './pass-host.js';

/** How long a run rests after Redis refused one of its writes for a reason that a repeat may not mend. */
export const REFUSED_DELAY_MS = 5_000;

/** Of a run that this worker lacks the workflow or the codec for, or whose handler it cannot begin. */
const UNFIT_DELAY_MS = { first: 5_000, longest: 300_000 };

/** How long a run rests until a worker tries that may be fitter for it. */
export function unfitDelayOf({ handBacks }: Pick<StoredRun, 'handBacks'>): number {
  return Math.min(UNFIT_DELAY_MS.first * 2 ** handBacks, UNFIT_DELAY_MS.longest);
}

/** The write that ends a run, or the failure hook of one. */
export function endingOf(claimed: ClaimedRun, workflow: ServedWorkflow, outcome: Outcome, payload: string): Op<WriteStatus> {
  const { run, fence } = claimed;
  if (run.hookOf !== undefined) {
    return finishHook({ runId: run.id, fence, failedRunId: run.hookOf }, outcome === 'failed' ? payload : '');
  }
  return finishRun(run.id, fence, outcome, payload, outcome === 'failed' ? hookOf(claimed, workflow) : '');
}

/** The write for a failure: the run ends, or unwinds first. */
export function endingOfFailure(
  claimed: ClaimedRun,
  workflow: ServedWorkflow,
  error: string,
  isCompensable: boolean,
): Op<WriteStatus> {
  return isCompensable ? unwindRun(claimed.run.id, claimed.fence, error) : endingOf(claimed, workflow, 'failed', error);
}

/**
 * The write that ends a run whose compensations are done.
 * @param errors encoded list of theirs, '' for none
 */
export function endingOfUnwinding(claimed: ClaimedRun, workflow: ServedWorkflow, errors: string): Op<WriteStatus> {
  const { run, fence } = claimed;
  return finishUnwinding(run.id, fence, errors, run.unwinding === 'f' ? hookOf(claimed, workflow) : '');
}

/** @param unwinds its compensations come first */
export function tellFailed(error: unknown, { run }: ClaimedRun, unwinds: boolean, logger: LoggerPort): void {
  const what = run.hookOf === undefined ? 'The run' : 'The failure hook of the run';
  const consequence = unwinds ? ', its steps are compensated' : '';
  logger.error(`${what} failed${consequence}: ${describeError(error)}`, { error: errorForLog(error) });
}

export function tellRetry(error: unknown, delayMs: number, { run, logger }: WorkflowContext): void {
  const next = `the next follows in ${Math.round(delayMs)} ms`;
  const message = `Attempt ${run.attempt} of ${run.maxAttempts} failed, ${next}: ${describeError(error)}`;
  logger.warn(message, { error: errorForLog(error) });
}

/** Not a warning: the loser of a race is left behind in just that way. But an `await` that was forgotten shows nowhere else. */
export function tellUnfinished(steps: readonly string[], logger: LoggerPort): void {
  if (steps.length === 0) return;
  const names = steps.map((name) => `"${name}"`).join(', ');
  logger.debug?.(`The run succeeded without waiting for ${names}. Unless it lost a race, an await is missing.`);
}

function hookOf({ run, fence }: ClaimedRun, { onFailure }: ServedWorkflow): string {
  return onFailure ? hookIdOf(run.id, fence) : '';
}
