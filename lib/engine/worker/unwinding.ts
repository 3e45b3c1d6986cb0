import { CrashLoopError, RunCanceledError } from '../core/errors/index.js';
import { decodePayload } from '../core/payload.js';
import type { StoredError } from '../core/run.types.js';
import { fromStoredError, toStoredError } from '../core/stored-error.js';
import type { StoredRun } from '../redis/stored-run.js';
import type { RunData, StoredStep } from '../redis/stored-step.js';
import { inCarriedContext } from './in-carried-context.js';
import type { PassHost } from './pass-host.js';
import { compensationOf } from './run-steps.js';
import type { StepHost } from './step-host.js';
import type { StepCompensation } from './step-policy.js';
import { StepRuntime } from './step-runtime.js';

/** A pass that unwinds. */
export interface UnwindingPass extends StepHost {
  readonly run: StoredRun;
  readonly worker: PassHost;
  readonly data: RunData;
  /** Of the handler; of the compensations once these run. */
  steps: StepRuntime;
  execute(): Promise<unknown>;
  abort(reason: unknown): void;
  grace(isOver: () => void): void;
}

/**
 * Undoes the completed steps of a run, unless that has crashed too many workers.
 * @returns the errors of compensations that failed for good, encoded; '' for none
 */
export async function unwind(pass: UnwindingPass): Promise<string> {
  const { run, data, worker, context } = pass;
  const errors = run.recoveryStreak > worker.maxRecoveries ? errorsOfCrashes(run, data) : await undoAll(pass);
  for (const { step, message } of errors) context.logger.error(`The compensation of step "${step}" failed for good: ${message}`);
  return worker.sealer.sealErrors(errors, `errors of the compensations of run "${run.id}"`);
}

/**
 * Executes the handler once more, only to learn from it how its completed steps are undone: what is not completed rejects with the
 * reason. Then undoes them.
 */
async function undoAll(pass: UnwindingPass): Promise<StoredError[]> {
  const cause = causeOf(pass.run, pass.data);
  const { ledger, functions } = pass.steps;
  ledger.halt(cause, () => pass.abort(cause));
  await new Promise<void>((resolve) => {
    pass.grace(resolve);
    pass.execute().then(
      () => resolve(),
      () => resolve(),
    );
  });
  // The pass has ended meanwhile: somebody else executes the run.
  if (ledger.closed) return [];
  ledger.close();
  pass.abort(cause);
  pass.steps = new StepRuntime(pass, pass.data);
  return compensate(pass, functions.compensations, cause);
}

/** Why a run unwinds. */
function causeOf({ id, unwinding }: StoredRun, { error, cancelReason }: RunData): Error {
  if (unwinding === 'c' || error === undefined) return new RunCanceledError({ runId: id, reason: cancelReason });
  return fromStoredError(decodePayload(error) as StoredError);
}

/**
 * Runs the compensations of the completed steps, the last one first, each as a durable step. What is stored of them is not repeated.
 * @param pass has a runtime for them alone: the handler's is closed
 * @param known functions that the replay of the handler has met
 */
async function compensate(
  pass: UnwindingPass,
  known: ReadonlyMap<string, StepCompensation>,
  cause: Error,
): Promise<StoredError[]> {
  const { steps } = pass;
  const errors: StoredError[] = [];
  for (const [step, { payload }] of stepsToUndo(steps.ledger.data)) {
    const name = compensationOf(step);
    const stored = steps.ledger.data.steps.get(name);
    if (stored?.status === 's') continue;
    if (stored?.status === 'f') errors.push({ ...(decodePayload(stored.payload) as StoredError), step });
    else {
      const compensation = known.get(step);
      if (!compensation) errors.push({ ...unknownCompensation(step), step });
      else {
        try {
          await undo(pass, name, compensation, payload, cause);
        } catch (error) {
          steps.ledger.failures.memoiseAll();
          errors.push({ ...toStoredError(error), step });
        }
      }
    }
  }
  return errors;
}

/** What is told of a run whose compensations crash worker after worker: those that did not get done are lost. */
function errorsOfCrashes({ id, workflow, recoveries }: StoredRun, data: RunData): StoredError[] {
  const error = toStoredError(new CrashLoopError({ runId: id, workflow, recoveries }));
  return stepsToUndo(data)
    .filter(([step]) => data.steps.get(compensationOf(step))?.status !== 's')
    .map(([step]) => {
      const stored = data.steps.get(compensationOf(step));
      return stored?.status === 'f' ? { ...(decodePayload(stored.payload) as StoredError), step } : { ...error, step };
    });
}

function undo(
  { worker, data, steps }: UnwindingPass,
  name: string,
  { run, retry }: StepCompensation,
  output: string,
  error: Error,
): Promise<void> {
  const policy = { retry };
  return steps.functions.undo(
    name,
    async ({ idempotencyKey, signal }) => {
      // What it returns is nobody's.
      await inCarriedContext(worker, data, () => run(decodePayload(output), { idempotencyKey, signal, error }));
    },
    policy,
  );
}

/** Completed steps that have a compensation, behind the last point of no return; the last one first. */
function stepsToUndo({ steps, point }: RunData): Array<[string, StoredStep]> {
  const kept = point?.order ?? 0;
  return [...steps]
    .filter(([, { kind, status, order }]) => kind === 'v' && status === 's' && order > kept)
    .sort(([, a], [, b]) => b.order - a.order);
}

function unknownCompensation(step: string): StoredError {
  const message =
    `Step "${step}" has completed and was to be compensated, but the handler did not reach it again: ` +
    'its code has changed, or depends on something that is not stored. Undo it by hand.';
  return { name: 'Error', message };
}
