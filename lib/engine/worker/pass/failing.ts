import { decodeError, encodeError } from '../../core/payload/payload.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import type { StepHost } from '../steps/step-host.js';
import type { StepRuntime } from '../steps/step-runtime.js';
import { endingOfFailure, tellFailed, tellRetry } from './pass-ending.js';
import type { PassHost, ServedWorkflow } from './pass-host.js';
import { type PassTimers, timeoutOf } from './pass-timers.js';
import { verdictOn } from './retry-verdict.js';

/** A pass whose attempt fails. */
export interface FailingPass extends StepHost {
  readonly claimed: ClaimedRun;
  readonly workflow: ServedWorkflow;
  readonly worker: PassHost;
  readonly steps: StepRuntime;
  readonly timers: PassTimers;
  readonly isOver: boolean;
  readonly isCanceled: boolean;
  end(outcome: 'failed'): void;
  endCanceled(): void;
  abort(reason: unknown): void;
  grace(isOver: () => void): void;
}

/** Ends a pass whose handler has failed, and whose functions have settled: another attempt follows, or the run fails. */
export async function endAttempt(pass: FailingPass, thrown: unknown): Promise<void> {
  const { claimed, workflow, worker, context, journal, steps, timers } = pass;
  const { run } = claimed;
  if (pass.isCanceled) return pass.endCanceled();
  const failure = decodeError(encodeError(thrown, worker.maxPayloadBytes), workflow.errors);
  const { delayMs, error } = verdictOn(failure, run.failures + 1, context.run.maxAttempts, workflow.options.retry, pass);
  const kept = worker.sealer.sealError(error, `error of run "${run.id}"`);
  const { sealed: payload } = kept instanceof Promise ? await kept : kept;
  if (pass.isOver) return;
  if (pass.isCanceled) return pass.endCanceled();
  if (delayMs === undefined) return failForGood(pass, error, payload, thrown);
  pass.end('failed');
  steps.ledger.failures.reopen(thrown);
  tellRetry(error, delayMs, context);
  journal.backOff(delayMs, timers.deadline, payload);
}

/**
 * @param payload the error as it is stored; what this library throws by itself holds nothing to hide
 * @param thrown by the handler, where a retry policy has made something else of it
 */
export function failForGood(pass: FailingPass, error: unknown, payload = encodeError(error), thrown = error): void {
  const { claimed, workflow, context, journal } = pass;
  const { failures, undoables } = pass.steps.ledger;
  // A failure hook is not undone: it has no outcome but its own.
  const unwinds = claimed.run.hookOf === undefined && !undoables.isEmpty;
  pass.end('failed');
  // The replay that collects the compensations must see what this one saw.
  if (unwinds) failures.memoiseAll();
  else failures.reopen(thrown);
  tellFailed(error, claimed, unwinds, context.logger);
  journal.last(endingOfFailure(claimed, workflow, payload, unwinds));
}

/** Ends a pass whose time is over: for a run that is the end, for its failure hook a failed attempt. */
export async function timeOut(pass: FailingPass): Promise<void> {
  const { ledger, functions } = pass.steps;
  const error = timeoutOf(pass.context, pass.workflow);
  ledger.close();
  pass.abort(error);
  const isHook = pass.claimed.run.hookOf !== undefined;
  // What is to be undone must have settled, or have had its grace; and so must what the next attempt of a hook repeats.
  if (isHook || functions.hasUndoable) {
    await Promise.race([ledger.activity.functionsSettled(), new Promise<void>((isOver) => pass.grace(isOver))]);
    if (pass.isOver) return;
  }
  if (isHook) await endAttempt(pass, error);
  else failForGood(pass, error);
}
