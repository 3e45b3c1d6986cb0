import type { PassOutcome } from '../../core/api/interceptor.types.js';
import type { StoredError } from '../../core/api/run.types.js';
import type { StepContext } from '../../core/api/workflow.types.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import { CrashLoopError, RunCanceledError, UnknownOutcomeError } from '../../core/errors/index.js';
import { throughOnlooker } from '../../core/interceptors.js';
import { decodeError, decodePayload } from '../../core/payload/payload.js';
import { describeError, toStoredError } from '../../core/payload/stored-error.js';
import type { Departure } from '../../core/replay/block-reason.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { RunData, StoredStep } from '../../redis/steps/stored-step.js';
import { isExpected } from '../replay/replay-guard.js';
import { compensationOf } from '../steps/function-steps.js';
import type { StepHost } from '../steps/step-host.js';
import type { StepCompensation } from '../steps/step-policy.js';
import { StepRuntime } from '../steps/step-runtime.js';
import { idempotencyKeyOf } from '../steps/step-task.js';
import { InterceptedPass } from './intercepted-pass.js';
import type { PassHost, ServedWorkflow } from './pass-host.js';
import type { RunContext } from './run-context.js';

/** A pass that unwinds. */
export interface UnwindingPass extends StepHost {
  readonly run: StoredRun;
  readonly worker: PassHost;
  readonly context: RunContext;
  readonly data: RunData;
  onEnded: ((outcome: PassOutcome) => void) | undefined;
  /** Of the handler; of the compensations once these run. */
  steps: StepRuntime;
  execute(): Promise<unknown>;
  abort(reason: unknown): void;
  grace(isOver: () => void): void;
  readonly hasLooked: boolean;
  readonly workflow: ServedWorkflow;
  block(departure: Departure): void;
}

/** Hand-backs of a compensating pass whose handler did not get to all steps: with their growing delays some eight hours. */
const MOST_HAND_BACKS = 100;

/**
 * Undoes the steps of a run that have completed, or may have taken effect, unless that has crashed too many workers.
 * @returns the errors of compensations that failed for good, encoded; '' for none; undefined if the run is to be handed back
 */
export async function unwind(pass: UnwindingPass): Promise<string | undefined> {
  const { run, data, worker, context } = pass;
  const errors = run.recoveryStreak > worker.maxRecoveries ? errorsOfCrashes(run, data) : await undoIntercepted(pass);
  if (!errors) return undefined;
  for (const { step, message } of errors) context.logger.error(`Step "${step}" was not compensated: ${message}`);
  return worker.sealer.sealErrors(errors, `errors of the compensations of run "${run.id}"`);
}

/**
 * Interceptors are no reason either to leave something undone that was to be undone, nor to undo it twice, nor to wait for ever: one that fails
 * or hangs before its `next()` is as a handler that does so before it has come to its steps.
 */
async function undoIntercepted(pass: UnwindingPass): Promise<StoredError[] | undefined> {
  const { pass: interceptor } = pass.worker.interceptors;
  if (!interceptor) return undoAll(pass, () => pass.execute());
  let undoing: ReturnType<typeof undoAll> | undefined;
  const undo = (replay: () => Promise<unknown>) => {
    undoing ??= undoAll(pass, replay);
    return undoing;
  };
  const late = new Promise<never>((_, reject) => {
    pass.grace(() => reject(new Error("An interceptor's `pass` has not called next() in time.")));
  });
  const failedBehind = (error: unknown) =>
    pass.context.logger.error(`An interceptor's \`pass\` failed behind its next(): ${describeError(error)}`);
  const call = new InterceptedPass(pass);
  const undone = throughOnlooker(
    'pass',
    interceptor,
    call,
    () => undo(() => pass.execute()),
    () => undefined,
    failedBehind,
  );
  return Promise.race([undone, late]).catch((error) => undo(() => Promise.reject(error)));
}

/**
 * Executes the handler once more, only to learn from it how its steps are undone: what is not completed rejects with the
 * reason. Then undoes them.
 *
 * A handler that fails by itself (its provider cannot be made, its context not be restored, a service that it asks is away) says nothing of
 * the steps that would have followed: that is no reason to leave a customer charged.
 */
async function undoAll(pass: UnwindingPass, replay: () => Promise<unknown>): Promise<StoredError[] | undefined> {
  const cause = causeOf(pass.run, pass.data, pass.errors);
  const { ledger, functions } = pass.steps;
  ledger.halt(cause, () => pass.abort(cause));
  const failure = await new Promise<{ error: unknown } | undefined>((resolve) => {
    pass.grace(() => resolve(undefined));
    replay().then(
      () => resolve(undefined),
      (error) => resolve({ error }),
    );
  });
  // The pass has ended meanwhile: somebody else executes the run.
  if (ledger.closed) return [];
  // A handler that a stop has aborted tells nothing: what it has not asked for may have to be undone.
  if (pass.isLeaving) return undefined;
  const unreached = unreachedSteps(pass.data, functions.compensations);
  if (failure && !ledger.hasRefused && unreached.length > 0 && pass.run.handBacks < MOST_HAND_BACKS) {
    pass.context.logger.error(
      `The run is to be compensated, and its handler failed before it was through; it is tried again: ${describeError(failure.error)}`,
    );
    return undefined;
  }
  const missing = blockingSteps(pass, unreached);
  if (missing.length > 0) {
    pass.block({ because: 'unwinding', missing });
    return undefined;
  }
  ledger.close();
  pass.abort(cause);
  pass.steps = new StepRuntime(pass, pass.data);
  return compensate(pass, functions.compensations, cause);
}

/** The steps that are left to be undone and that the handler has not asked for. */
function unreachedSteps(data: RunData, known: ReadonlyMap<string, StepCompensation>): string[] {
  const isOpen = (status: string | undefined) => status !== 's' && status !== 'f';
  const isLeft = (step: string) => !known.has(step) && isOpen(data.steps.get(compensationOf(step))?.status);
  return stepsToUndo(data).flatMap(({ step }) => (isLeft(step) ? [step] : []));
}

/** Those of them of which other code, or somebody who looks, is to decide. */
function blockingSteps(pass: UnwindingPass, unreached: readonly string[]): string[] {
  if (pass.workflow.options.determinism.mode !== 'block' || pass.hasLooked) return [];
  return unreached.filter((step) => isExpected(step, pass.data));
}

/** Why a run unwinds. */
function causeOf({ id, unwinding }: StoredRun, { error, cancelReason }: RunData, errors: ErrorClasses): Error {
  if (unwinding === 'c' || error === undefined) return new RunCanceledError({ runId: id, reason: cancelReason });
  return decodeError(error, errors);
}

/**
 * Runs the compensations, the last step first, each as a durable step. What is stored of them is not repeated.
 * @param pass has a runtime for them alone: the handler's is closed
 * @param known functions that the replay of the handler has met, in the order in which it did
 */
async function compensate(
  pass: UnwindingPass,
  known: ReadonlyMap<string, StepCompensation>,
  cause: Error,
): Promise<StoredError[]> {
  const errors: StoredError[] = [];
  for (const undoable of stepsToUndo(pass.data, [...known.keys()])) {
    const error = await errorOfUndoing(pass, undoable, known.get(undoable.step), cause);
    if (error) errors.push({ ...error, step: undoable.step });
  }
  return errors;
}

/** Undoes one step, unless that is stored. @returns why it is not undone */
async function errorOfUndoing(
  pass: UnwindingPass,
  undoable: Undoable,
  compensation: StepCompensation | undefined,
  cause: Error,
): Promise<StoredError | undefined> {
  const { step, isKnown } = undoable;
  const { ledger } = pass.steps;
  const stored = ledger.data.steps.get(compensationOf(step));
  if (stored?.status === 's') return undefined;
  if (stored?.status === 'f') return decodePayload(stored.payload) as StoredError;
  if (!compensation) return unreached(undoable);
  if (!isKnown && compensation.unknown === 'report') {
    const stepIdempotencyKey = idempotencyKeyOf(pass.run.id, step);
    return toStoredError(new UnknownOutcomeError({ runId: pass.run.id, step, stepIdempotencyKey }));
  }
  try {
    await undo(pass, undoable, compensation, cause);
    return undefined;
  } catch (error) {
    ledger.failures.memoiseAll();
    return toStoredError(error, pass.worker.maxPayloadBytes);
  }
}

/** What is told of a run whose compensations crash worker after worker: those that did not get done are lost. */
function errorsOfCrashes({ id, workflow, recoveries }: StoredRun, data: RunData): StoredError[] {
  const error = toStoredError(new CrashLoopError({ runId: id, workflow, recoveries }));
  return stepsToUndo(data)
    .map(({ step }) => ({ step, stored: data.steps.get(compensationOf(step)) }))
    .filter(({ stored }) => stored?.status !== 's')
    .map(({ step, stored }) =>
      stored?.status === 'f' ? { ...(decodePayload(stored.payload) as StoredError), step } : { ...error, step },
    );
}

function undo(
  { run, steps }: UnwindingPass,
  { step, isKnown, output }: Undoable,
  compensation: StepCompensation,
  error: Error,
): Promise<void> {
  const { retry, timeoutMs } = compensation;
  const outcome = isKnown ? 'completed' : 'unknown';
  const stepIdempotencyKey = idempotencyKeyOf(run.id, step);
  const call = async ({ idempotencyKey, signal }: StepContext): Promise<void> => {
    const context = { idempotencyKey, stepIdempotencyKey, outcome, signal, error } as const;
    // What it returns is nobody's.
    await compensation.run(decodePayload(output), context);
  };
  return steps.functions.undo(compensationOf(step), call, { retry, timeoutMs });
}

/** A step that is to be undone. */
interface Undoable {
  readonly step: string;
  /** It has completed; else it was begun, and its outcome is unknown. */
  readonly isKnown: boolean;
  /** Encoded. */
  readonly output: string;
}

/**
 * The steps behind the last point of no return that have a compensation and have completed, or may have taken effect: the last one
 * first. Those without a place in the order of completion come before the others, the last begun first.
 * @param begun in the order in which they began
 */
function stepsToUndo({ steps, point }: RunData, begun: readonly string[] = []): Undoable[] {
  const kept = point?.order ?? 0;
  const turnOf = new Map(begun.map((step, turn) => [step, turn]));
  const turnsBetween = (a: string, b: string): number => (turnOf.get(b) ?? 0) - (turnOf.get(a) ?? 0);
  const placeOf = ({ order }: StoredStep): number => order || Number.MAX_SAFE_INTEGER;
  return [...steps]
    .filter(([, { kind, order }]) => (kind === 'v' || kind === 'u') && (order === 0 || order > kept))
    .sort(([a, first], [b, second]) => placeOf(second) - placeOf(first) || turnsBetween(a, b))
    .map(([step, { kind, payload }]) => ({ step, isKnown: kind === 'v', output: kind === 'v' ? payload : '' }));
}

function unreached({ step, isKnown }: Undoable): StoredError {
  const message =
    `Step "${step}" ${isKnown ? 'has completed' : 'was begun'} and was to be compensated, but the handler did not reach it again: ` +
    'its code has changed, or depends on something that is not stored. Undo it by hand.';
  return { name: 'Error', message };
}
