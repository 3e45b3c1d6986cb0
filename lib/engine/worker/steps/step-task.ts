import { performance } from 'node:perf_hooks';
import type { RunInterceptor, StepCall } from '../../core/api/interceptor.types.js';
import type { StepContext, WorkflowContext } from '../../core/api/workflow.types.js';
import { LazyAbort } from '../../core/async/lazy-abort.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { StepTimeoutError } from '../../core/errors/index.js';
import { decodePayload, encodePayload } from '../../core/payload/payload.js';
import { describeError, errorForLog } from '../../core/payload/stored-error.js';
import { runScope } from '../../core/run-scope.js';
import { interceptedRun } from '../pass/watched-run.js';
import type { StepPolicy } from './step-policy.js';

export interface StepTaskInit {
  readonly name: string;
  readonly fn: (step: StepContext) => unknown;
  readonly policy: StepPolicy;
  readonly attempt: number;
  readonly base: number;
  /** An earlier execution has left it open whether the step took effect. */
  readonly isDoubtful: boolean;
  readonly lastProgress: string | undefined;
  /** Of the arguments of a `@Step()` method that has no name of its own. */
  readonly digest: string | undefined;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** What a task needs of the pass it belongs to. */
export interface StepTaskHost {
  readonly context: WorkflowContext;
  /** A failure hook may have a step of the same name as its run: their effects are two. */
  readonly executedRunId: string;
  readonly maxPayloadBytes: number;
  readonly stepInterceptor: RunInterceptor['step'];
  storeProgress(step: string, payload: string, where: () => string): Promise<unknown>;
  succeeded(task: StepTask, value: unknown): void;
  failed(task: StepTask, error: unknown): void;
}

/** One execution of a step's function. */
export class StepTask implements StepContext {
  readonly startedAt = performance.now();
  /** Set once Redis has been told that the step runs. */
  marked = false;
  private readonly abortion = new LazyAbort();
  private timer: LongTimer | undefined;
  private settled = false;
  private doubtful = false;
  private running = true;
  private onEnded: (() => void) | undefined;

  constructor(
    readonly init: StepTaskInit,
    private readonly host: StepTaskHost,
  ) {}

  /** If it fails, that says nothing about its effect: it was told to stop before, or has returned what cannot be stored. */
  get isDoubtful(): boolean {
    return this.doubtful;
  }

  get signal(): AbortSignal {
    return this.abortion.signal;
  }

  get attempt(): number {
    return this.init.attempt;
  }

  get idempotencyKey(): string {
    return idempotencyKeyOf(this.host.executedRunId, this.init.name);
  }

  get lastProgress(): unknown {
    return this.init.lastProgress === undefined ? undefined : decodePayload(this.init.lastProgress);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** May be taken out of the context: `({ progress }) => …`. */
  get progress(): (value: unknown) => Promise<void> {
    return (value) => {
      const stored = this.storeProgress(value);
      // Reports are often not awaited: one that fails must not end the process.
      stored.catch((error: unknown) => {
        const message = `The progress of step "${this.init.name}" was not stored: ${describeError(error)}`;
        this.host.context.logger.warn(message, { error: errorForLog(error) });
      });
      return stored;
    };
  }

  private async storeProgress(value: unknown): Promise<void> {
    const where = () => `progress of step "${this.init.name}" of run "${this.host.context.run.id}"`;
    await this.host.storeProgress(this.init.name, encodePayload(value, where, this.host.maxPayloadBytes), where);
  }

  /** Calls the function and then tells the host, once: at once, if it returned no promise. */
  execute(): void {
    this.limit();
    try {
      const scope = { context: this.host.context, step: { name: this.init.name, context: this } };
      const { stepInterceptor } = this.host;
      const result = stepInterceptor
        ? runScope.run(scope, stepInterceptor, this.stepCall(), async () => this.init.fn(this))
        : runScope.run(scope, this.init.fn, this);
      if (isThenable(result)) {
        result.then(
          (value) => this.ended(true, value),
          (error) => this.ended(false, error),
        );
      } else {
        this.ended(true, result);
      }
    } catch (error) {
      this.ended(false, error);
    }
  }

  private stepCall(): StepCall {
    return { run: interceptedRun(this.host.context.run), name: this.init.name, attempt: this.attempt };
  }

  /** Whether the function goes on: it may do so after its step has timed out. */
  get isRunning(): boolean {
    return this.running;
  }

  whenEnded(next: () => void): void {
    this.onEnded = next;
  }

  abort(reason: unknown): void {
    this.timer?.cancel();
    this.abortion.abort(reason);
  }

  private ended(isSuccess: boolean, outcome: unknown): void {
    this.running = false;
    this.settle(isSuccess, outcome);
    this.onEnded?.();
  }

  private settle(isSuccess: boolean, outcome: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.doubtful = this.init.isDoubtful || this.abortion.isAborted || isSuccess;
    this.timer?.cancel();
    if (isSuccess) this.host.succeeded(this, outcome);
    else this.host.failed(this, outcome);
  }

  private limit(): void {
    const { timeoutMs } = this.init.policy;
    if (timeoutMs === undefined) return;
    this.timer = new LongTimer(timeoutMs, () => {
      const error = new StepTimeoutError({ runId: this.host.context.run.id, step: this.init.name, timeoutMs });
      this.abortion.abort(error);
      this.settle(false, error);
    });
  }
}

/** The key of a step's effects. */
export function idempotencyKeyOf(executedRunId: string, step: string): string {
  return `${executedRunId}:${step}`;
}

/** Not by `instanceof`: under jest the promises of Node itself come from another realm. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as PromiseLike<unknown>).then === 'function';
}
