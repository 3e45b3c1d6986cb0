import type { LoggerPort } from '../core/values.types.js';
import type { StepApi, WorkflowContext } from '../core/workflow.types.js';
import type { StoredRun } from '../redis/stored-run.js';
import { LazyAbort } from './lazy-abort.js';
import { RunLogger } from './run-logger.js';

/** The context of one pass. */
export class RunContext implements WorkflowContext {
  readonly run: WorkflowContext['run'];
  input: unknown;
  step!: StepApi;
  private readonly abortion = new LazyAbort();
  private runLogger: RunLogger | undefined;

  constructor(
    stored: StoredRun,
    maxAttempts: number,
    private readonly baseLogger: LoggerPort,
  ) {
    this.run = {
      id: stored.id,
      workflow: stored.workflow,
      queue: stored.queue,
      attempt: stored.failures + 1,
      maxAttempts,
      tags: stored.tags,
      version: stored.version,
      parentRunId: stored.parentRunId,
      rootRunId: stored.rootRunId,
    };
  }

  get signal(): AbortSignal {
    return this.abortion.signal;
  }

  get logger(): LoggerPort {
    this.runLogger ??= new RunLogger(this.baseLogger, this.run);
    return this.runLogger;
  }

  abort(reason: unknown): void {
    this.abortion.abort(reason);
  }
}
