import type { LoggerPort } from '../../core/api/values.types.js';
import type { FailureHook, Handler } from '../../core/api/workflow.types.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import type { ResolvedWorkflowOptions } from '../../core/workflows/resolve-workflow.js';
import type { OpSink } from '../../redis/script/op.js';
import type { DepartureLog } from '../replay/departure-log.js';
import type { StepHost, StepWorker } from '../steps/step-host.js';
import type { HandBacks } from './hand-backs.js';

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
