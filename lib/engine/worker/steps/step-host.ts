import type { RetryFailure } from '../../core/api/retry.types.js';
import type { Stored } from '../../core/api/values.types.js';
import type { StepApi, StepContext, StepOptions, WorkflowContext } from '../../core/api/workflow.types.js';
import type { RedisClock } from '../../core/async/redis-clock.js';
import type { TurnClock } from '../../core/async/turn-clock.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import type { Departure } from '../../core/replay/block-reason.js';
import type { Determinism } from '../../core/workflows/determinism.js';
import type { CreationContext } from '../../creation/creation-context.js';
import type { PassJournal } from './pass-journal.js';

/** The steps of a handler, its points of no return, and what it asks about changes of its code. */
export interface ContextSteps extends StepApi {
  commit(): Promise<void>;
  patched(id: string): Promise<boolean>;
  /**
   * Runs a `@Step()` method under its default name, as {@link StepApi.run}; from the second call in the run on the name ends in a number.
   *
   * @param method the name: `Mail.send`
   */
  runMethod<T>(
    method: string,
    args: readonly unknown[],
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<Stored<T>>;
}

/** What the steps need of the worker that executes their pass. */
export interface StepWorker extends CreationContext {
  readonly clock: RedisClock;
  readonly turns: TurnClock;
  /** How long handlers and functions may take to settle once they were told to. */
  readonly cancelGraceMs: number;
  /** Resolves when the worker's lease is certain; undefined while it is. */
  leaseConfirmed(): Promise<void> | undefined;
  /** An event that a step has emitted has subscribers or waits left. */
  goOnWith(eventId: string): void;
}

/** What the steps need of their pass. */
export interface StepHost {
  readonly context: WorkflowContext;
  readonly journal: PassJournal;
  readonly worker: StepWorker;
  /** What errors of its steps are rebuilt as. */
  readonly errors: ErrorClasses;
  /** The worker stops: what is in flight settles and is stored, and nothing further begins. */
  readonly isLeaving: boolean;
  /** How the replay is watched; not at all while the run unwinds. */
  readonly determinism: Determinism;
  /** The handler has looked at its attempt, or whether its signal is aborted. */
  readonly hasLooked: boolean;
  /** A new step was asked for, and stored ones that should have come before are missing. */
  suspect(step: string, missing: readonly string[]): void;
  /** Sets the run aside: its code departs from what is stored of it. */
  block(departure: Departure): void;
  failureOf(error: Error): RetryFailure;
  /** Redis said that the run is to be canceled. Answers the error for the step that was refused. */
  canceled(reason: string): Error;
  /** Gives the run back, to be claimed again at once. */
  yield(): void;
  /** All that is left are waits. */
  quiet(waitingSteps: string[]): void;
}
