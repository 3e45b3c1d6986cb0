import type { RetryFailure, WorkflowContext } from '../core/workflow.types.js';
import type { WorkflowDirectory } from '../redis/workflow-directory.js';
import type { PassJournal } from './pass-journal.js';
import type { RedisClock } from './redis-clock.js';
import type { TurnClock } from './turn-clock.js';

/** What the steps need of their pass and its worker. */
export interface StepHost {
  readonly context: WorkflowContext;
  readonly maxPayloadBytes: number;
  readonly clock: RedisClock;
  readonly turns: TurnClock;
  readonly journal: PassJournal;
  /** Resolves when the worker's lease is certain; undefined while it is. */
  leaseConfirmed(): Promise<void> | undefined;
  failureOf(error: Error): RetryFailure;
  readonly directory: WorkflowDirectory;
  /** An event that a step has emitted has subscribers or waits left. */
  goOnWith(eventId: string): void;
  /** Redis said that the run is to be canceled. Answers the error for the step that was refused. */
  canceled(reason: string): Error;
  /** Gives the run back, to be claimed again at once. */
  yield(): void;
  /** All that is left are waits. */
  quiet(waitingSteps: string[]): void;
}
