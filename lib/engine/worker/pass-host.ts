import type { ErrorClasses } from '../core/error-classes.js';
import type { ResolvedWorkflowOptions } from '../core/resolve-workflow.js';
import type { LoggerPort } from '../core/values.types.js';
import type { FailureHook, Handler } from '../core/workflow.types.js';
import type { OpSink } from '../redis/op.js';
import type { DepartureLog } from './departure-log.js';
import type { HandBacks } from './hand-backs.js';
import type { StepHost, StepWorker } from './step-host.js';

/** A workflow as a worker executes it. */
export interface ServedWorkflow {
  readonly options: ResolvedWorkflowOptions;
  readonly handler: Handler<unknown, unknown>;
  readonly onFailure?: FailureHook<unknown>;
  /** What it and the worker list. */
  readonly errors: ErrorClasses;
  /** How long a pass may take, parks not counted: of failure hooks only. */
  readonly passTimeoutMs?: number;
}

/** What a pass needs of its worker. */
export interface PassHost extends StepWorker {
  readonly workerId: string;
  readonly buffer: OpSink;
  readonly logger: LoggerPort;
  readonly maxRecoveries: number;
  readonly handBacks: Pick<HandBacks, 'add'>;
  readonly departures: DepartureLog;
  /** The pass needs its slot no more. Called once. */
  ended(pass: StepHost): void;
}
