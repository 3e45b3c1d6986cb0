import type { ResolvedWorkflowOptions } from '../core/resolve-workflow.js';
import type { LoggerPort } from '../core/values.types.js';
import type { FailureHook, Handler } from '../core/workflow.types.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { WorkflowDirectory } from '../redis/workflow-directory.js';
import type { RedisClock } from './redis-clock.js';
import type { StepHost } from './step-host.js';
import type { TurnClock } from './turn-clock.js';

/** A workflow as a worker executes it. */
export interface ServedWorkflow {
  readonly options: ResolvedWorkflowOptions;
  readonly handler: Handler<unknown, unknown>;
  readonly onFailure?: FailureHook<unknown>;
}

/** What a pass needs of its worker. */
export interface PassHost {
  readonly workerId: string;
  readonly buffer: CommitBuffer;
  readonly clock: RedisClock;
  readonly turns: TurnClock;
  readonly logger: LoggerPort;
  readonly maxPayloadBytes: number;
  readonly maxRecoveries: number;
  readonly cancelGraceMs: number;
  readonly directory: WorkflowDirectory;
  leaseConfirmed(): Promise<void> | undefined;
  /** Sees to it that an event reaches everybody. */
  goOnWith(eventId: string): void;
  /** The pass needs its slot no more. Called once. */
  ended(pass: StepHost): void;
}
