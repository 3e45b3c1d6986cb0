import { CrashLoopError, isNeverRetried, LeaseLostError, RunTimeoutError, ShutdownError } from '../core/errors/index.js';
import { decodePayload, encodeError, encodePayload } from '../core/payload.js';
import type { ResolvedWorkflowOptions } from '../core/resolve-workflow.js';
import type { RunRecord } from '../core/run.types.js';
import { asError, toStoredError } from '../core/stored-error.js';
import { validateInput } from '../core/validate-input.js';
import type { LoggerPort } from '../core/values.types.js';
import type { Handler, RetryFailure } from '../core/workflow.types.js';
import type { ClaimedRun } from '../redis/claim-runs.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { StoredRun } from '../redis/stored-run.js';
import type { RunData } from '../redis/stored-step.js';
import type { WorkflowDirectory } from '../redis/workflow-directory.js';
import { LongTimer } from './long-timer.js';
import { PassJournal } from './pass-journal.js';
import type { RedisClock } from './redis-clock.js';
import { RunContext } from './run-context.js';
import { runScope } from './run-scope.js';
import type { StepHost } from './step-ledger.js';
import { StepRuntime } from './step-runtime.js';
import type { TurnClock } from './turn-clock.js';

/** A workflow as a worker executes it. */
export interface ServedWorkflow {
  readonly options: ResolvedWorkflowOptions;
  readonly handler: Handler<unknown, unknown>;
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
  readonly directory: WorkflowDirectory;
  leaseConfirmed(): Promise<void> | undefined;
  /** Sees to it that an event reaches everybody. */
  goOnWith(eventId: string): void;
  /** The pass needs its slot no more. Called once. */
  ended(pass: Pass): void;
}

/** How long a run rests after Redis refused one of its writes for a reason that a repeat may not mend. */
const REFUSED_DELAY_MS = 5_000;

/** One execution of a handler, from claim to success, failure, park, hand-back or loss. */
export class Pass implements StepHost {
  readonly context: RunContext;
  readonly journal: PassJournal;
  readonly steps: StepRuntime;
  readonly run: StoredRun;
  private readonly maxAttempts: number;
  private readonly deadline: number | undefined;
  private deadlineTimer: LongTimer | undefined;
  private over = false;
  private refusedBefore = false;

  constructor(
    readonly claimed: ClaimedRun,
    private readonly data: RunData,
    private readonly workflow: ServedWorkflow,
    private readonly host: PassHost,
  ) {
    this.run = claimed.run;
    this.maxAttempts = this.run.maxAttempts ?? workflow.options.maxAttempts;
    const { timeoutMs } = workflow.options;
    this.deadline = timeoutMs === undefined ? undefined : (this.run.startedAt as number) + timeoutMs;
    this.journal = new PassJournal(
      host.buffer,
      this.run.id,
      claimed.fence,
      () => this.lose(),
      (error) => this.refused(error as Error),
    );
    this.context = new RunContext(this.run, data, this.maxAttempts, host.logger);
    this.steps = new StepRuntime(this, data);
    this.context.step = this.steps;
  }

  get maxPayloadBytes(): number {
    return this.host.maxPayloadBytes;
  }

  get clock(): RedisClock {
    return this.host.clock;
  }

  get turns(): TurnClock {
    return this.host.turns;
  }

  leaseConfirmed(): Promise<void> | undefined {
    return this.host.leaseConfirmed();
  }

  /** @param now Redis time of the claim */
  start(now: number): void {
    const { id, workflow, recoveries, recoveryStreak } = this.run;
    if (recoveryStreak > this.host.maxRecoveries) {
      this.end();
      this.writeFailure(new CrashLoopError({ runId: id, workflow, recoveries }));
      return;
    }
    if (this.deadline !== undefined) {
      if (this.deadline <= now) {
        this.timeOut();
        return;
      }
      this.deadlineTimer = new LongTimer(this.deadline - now, () => this.timeOut());
    }
    this.steps.completeEnded(now);
    this.execute().then(
      (output) => this.succeed(output),
      (error) => this.fail(error),
    );
  }

  get directory(): WorkflowDirectory {
    return this.host.directory;
  }

  goOnWith(eventId: string): void {
    this.host.goOnWith(eventId);
  }

  failureOf(error: Error): RetryFailure {
    return { run: this.record(), error };
  }

  quiet(waitingSteps: string[]): void {
    this.journal.park(this.deadline, waitingSteps, ({ status, now }) => {
      if (this.over) return;
      if (status === 'READY') void this.steps.resume(now);
      else {
        this.end();
        this.journal.close();
      }
    });
  }

  yield(): void {
    this.end();
    this.journal.release(0);
  }

  /** Shutdown: aborts the handler and gives the run back at once. */
  handBack(): void {
    if (this.over) return;
    this.end();
    this.abort(new ShutdownError({ runId: this.run.id }));
    this.journal.release(0);
  }

  /** The worker's lease is gone: somebody else executes the run, or will. */
  lose(): void {
    if (this.over) return;
    this.end();
    this.journal.close();
    this.abort(new LeaseLostError({ runId: this.run.id, workerId: this.host.workerId }));
    this.context.logger.warn(
      'The run was taken from this worker, which had stopped renewing its lease; its late writes are refused.',
    );
  }

  private async execute(): Promise<unknown> {
    const input = decodePayload(this.data.input);
    const schema = this.workflow.options.input;
    this.context.input = schema ? await validateInput(schema, input, this.run.workflow) : input;
    return runScope.run({ context: this.context }, this.workflow.handler, this.context);
  }

  private succeed(output: unknown): void {
    if (this.over) return;
    let payload: string;
    try {
      payload = encodePayload(output, () => `output of run "${this.run.id}"`, this.maxPayloadBytes);
    } catch (error) {
      void this.fail(error);
      return;
    }
    this.end();
    this.steps.ledger.failures.memoiseAll();
    this.journal.finish('succeeded', payload);
    if (this.steps.functions.active.size > 0) this.abort(new Error(`Run "${this.run.id}" has succeeded without this step.`));
  }

  private async fail(thrown: unknown): Promise<void> {
    if (this.over) return;
    this.steps.ledger.close();
    await this.steps.ledger.siblingsSettled();
    if (this.over) return;
    this.end();
    const { delayMs, error } = this.verdictOn(thrown);
    this.steps.ledger.failures.reopen(thrown);
    if (delayMs === undefined) {
      this.writeFailure(error);
      return;
    }
    this.context.logger.warn(
      `Attempt ${this.context.run.attempt} of ${this.maxAttempts} failed, the next follows in ${Math.round(delayMs)} ms: ${describe(error)}`,
    );
    this.journal.backOff(delayMs, this.deadline, encodeError(error));
  }

  /** A policy function that throws fails the run with its own error: nothing sensible can be guessed in its place. */
  private verdictOn(thrown: unknown): { delayMs?: number; error: unknown } {
    const failures = this.run.failures + 1;
    if (isNeverRetried(thrown) || failures >= this.maxAttempts) return { error: thrown };
    try {
      const verdict = this.workflow.options.retry.decide(this.failureOf(asError(thrown)), failures);
      return { error: thrown, delayMs: verdict.retry ? verdict.delayMs : undefined };
    } catch (policyError) {
      return { error: policyError };
    }
  }

  private timeOut(): void {
    if (this.over) return;
    const { id, workflow } = this.run;
    const error = new RunTimeoutError({ runId: id, workflow, timeoutMs: this.workflow.options.timeoutMs as number });
    this.end();
    this.abort(error);
    this.writeFailure(error);
  }

  private writeFailure(error: unknown): void {
    this.context.logger.error(`The run failed: ${describe(error)}`);
    this.journal.finish('failed', encodeError(error));
  }

  private refused(error: Error): void {
    this.end();
    this.context.logger.error(`Redis refused a write of the run: ${error.message}`);
    if (this.refusedBefore) return;
    this.refusedBefore = true;
    this.abort(error);
    this.journal.release(REFUSED_DELAY_MS);
  }

  /** Ends the pass for the handler: what it still calls never settles, and its slot is free. */
  private end(): void {
    if (this.over) return;
    this.over = true;
    this.deadlineTimer?.cancel();
    this.steps.ledger.close();
    this.host.ended(this);
  }

  private abort(reason: unknown): void {
    this.context.abort(reason);
    this.steps.functions.abort(reason);
  }

  private record(): RunRecord {
    const { failures, maxAttempts: _, recoveryStreak: __, handBacks: ___, ...run } = this.run;
    return {
      ...run,
      status: 'running',
      input: decodePayload(this.data.input),
      attempt: failures + 1,
      maxAttempts: this.maxAttempts,
      workerId: this.host.workerId,
    };
  }
}

function describe(error: unknown): string {
  const { name, message } = toStoredError(error);
  return `${name}: ${message}`;
}
