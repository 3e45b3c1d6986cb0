import { CrashLoopError, LeaseLostError, RunCanceledError, RunTimeoutError, ShutdownError } from '../core/errors/index.js';
import { decodePayload, encodeError, encodePayload } from '../core/payload.js';
import type { RetryFailure } from '../core/retry.types.js';
import { describeError, errorForLog } from '../core/stored-error.js';
import type { ClaimedRun } from '../redis/claim-runs.js';
import type { Op, WriteStatus } from '../redis/op.js';
import type { StoredRun } from '../redis/stored-run.js';
import type { RunData } from '../redis/stored-step.js';
import { inCarriedContext } from './in-carried-context.js';
import { LongTimer } from './long-timer.js';
import { endingOf, endingOfFailure, endingOfUnwinding, REFUSED_DELAY_MS, tellUnfinished } from './pass-ending.js';
import type { PassHost, ServedWorkflow } from './pass-host.js';
import { PassJournal } from './pass-journal.js';
import { runningRecord, verdictOn } from './retry-verdict.js';
import { RunContext } from './run-context.js';
import { isShaped, type PassWithInput } from './run-input.js';
import { decide, isUndecided, type UndecidedPass } from './run-judgement.js';
import { runScope } from './run-scope.js';
import type { StepHost } from './step-host.js';
import { StepRuntime } from './step-runtime.js';
import { type UnwindingPass, unwind } from './unwinding.js';

/** One execution of a handler, from claim to success, failure, park, hand-back or loss. */
export class Pass implements StepHost, UnwindingPass, UndecidedPass, PassWithInput {
  readonly context: RunContext;
  readonly journal: PassJournal;
  /** Of the handler; of the compensations once these run. */
  steps: StepRuntime;
  readonly run: StoredRun;
  private readonly maxAttempts: number;
  private readonly deadline: number | undefined;
  private deadlineTimer: LongTimer | undefined;
  private graceTimer: LongTimer | undefined;
  private canceledBy: RunCanceledError | undefined;
  private over = false;
  private refusedBefore = false;

  constructor(
    readonly claimed: ClaimedRun,
    readonly data: RunData,
    private readonly workflow: ServedWorkflow,
    readonly worker: PassHost,
  ) {
    this.run = claimed.run;
    this.maxAttempts = this.run.maxAttempts ?? workflow.options.maxAttempts;
    const { timeoutMs } = workflow.options;
    this.deadline =
      timeoutMs === undefined || this.run.unwinding !== undefined ? undefined : (this.run.startedAt as number) + timeoutMs;
    this.journal = new PassJournal(
      worker.buffer,
      this.run.id,
      claimed.fence,
      () => this.lose(),
      (error) => this.refused(error as Error),
    );
    this.context = new RunContext(this, this.maxAttempts, worker.logger);
    this.steps = new StepRuntime(this, data);
    this.context.step = this.steps;
    this.steps.ledger.compensable = this.run.compensable;
  }

  /** @param now Redis time of the claim */
  start(now: number): void {
    const { id, workflow, recoveries, recoveryStreak } = this.run;
    if (this.run.unwinding !== undefined) return void this.unwind();
    if (this.run.cancelRequestedAt !== undefined) return void this.endCanceled();
    if (recoveryStreak > this.worker.maxRecoveries) {
      this.end();
      this.writeFailure(new CrashLoopError({ runId: id, workflow, recoveries }));
      return;
    }
    if (this.deadline !== undefined && this.deadline <= now) return void this.timeOut();
    this.watchDeadline(now);
    if (isUndecided(this.claimed, this.data, this.workflow)) void decide(this, this.workflow, () => this.begin(now));
    else this.begin(now);
  }

  /** Also when the clock was moved. */
  watchDeadline(now: number): void {
    this.deadlineTimer?.cancel();
    if (this.deadline !== undefined) this.deadlineTimer = new LongTimer(this.deadline - now, () => this.timeOut());
  }

  private begin(now: number): void {
    this.steps.completeEnded(now);
    this.execute().then(
      (output) => this.succeed(output),
      (error) => this.fail(error),
    );
  }

  get isOver(): boolean {
    return this.over;
  }

  failureOf(error: Error): RetryFailure {
    return { run: runningRecord(this.run, this.data.input, this.maxAttempts, this.worker.workerId), error };
  }

  quiet(waitingSteps: string[]): void {
    this.journal.park(this.deadline, waitingSteps, ({ status, now, reason }) => {
      if (this.over) return;
      if (status === 'READY') void this.steps.resume(now);
      else if (status === 'CANCELED') this.cancel(reason);
      else this.close();
    });
  }

  canceled(reason: string): Error {
    this.cancel(reason);
    return this.canceledBy as Error;
  }

  /** Aborts the handler and lets no further step begin; the run ends canceled once the handler settles, or its grace is over. */
  cancel(reason: string): void {
    if (this.canceledBy || this.run.unwinding !== undefined) return;
    this.canceledBy = new RunCanceledError({ runId: this.run.id, reason: reason === '' ? undefined : reason });
    if (this.over) return;
    this.steps.ledger.halt(this.canceledBy);
    this.grace(() => this.endCanceled());
    this.abort(this.canceledBy);
  }

  /** @param last the write that ends it, unless that is answered already */
  close(last?: Op<WriteStatus>): void {
    this.end();
    if (last) this.journal.last(last);
    else this.journal.close();
  }

  yield(): void {
    // What the pass has written may yet be refused: then it was lost, and is not given back.
    this.journal.whenSettled(() => {
      if (this.over) return;
      this.end();
      this.journal.release(0);
    });
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
    this.abort(new LeaseLostError({ runId: this.run.id, workerId: this.worker.workerId }));
    this.context.logger.warn(
      'The run was taken from this worker, which had stopped renewing its lease; its late writes are refused.',
    );
  }

  /** How long a handler may take to settle once it was told to. */
  grace(isOver: () => void): void {
    this.graceTimer = new LongTimer(this.worker.cancelGraceMs, isOver);
  }

  async execute(): Promise<unknown> {
    const schema = this.workflow.options.input;
    const { context, data } = this;
    context.input = isShaped(this, schema) ? await context.inputs.throughSchema(schema) : decodePayload(data.input);
    const call = () => runScope.run({ context: this.context }, this.workflow.handler, this.context);
    return inCarriedContext(this.worker, this.data, call);
  }

  private async unwind(): Promise<void> {
    const errors = await unwind(this);
    if (this.over) return;
    this.end();
    this.journal.last(endingOfUnwinding(this.claimed, this.workflow, errors));
  }

  /** What the handler of a canceled run came to does not matter; its steps in flight are stored. */
  private async settleCanceled(): Promise<void> {
    this.steps.ledger.close();
    await this.steps.ledger.activity.functionsSettled();
    this.endCanceled();
  }

  private endCanceled(): void {
    if (this.over) return;
    this.end();
    this.steps.ledger.failures.memoiseAll();
    this.journal.last(endingOf(this.claimed, this.workflow, 'canceled', ''));
  }

  private succeed(output: unknown): void {
    if (this.over) return;
    if (this.canceledBy) return void this.settleCanceled();
    const { sealer, maxPayloadBytes } = this.worker;
    const where = () => `output of run "${this.run.id}"`;
    let sealed: string | Promise<string>;
    try {
      sealed = sealer.seal(encodePayload(output, where, maxPayloadBytes), where);
    } catch (error) {
      void this.fail(error);
      return;
    }
    if (typeof sealed === 'string') return void this.complete(sealed);
    // Nothing is left to wait for, but the pass must not park.
    this.steps.ledger.activity.held();
    sealed.then(
      (payload) => this.complete(payload),
      (error) => this.fail(error),
    );
  }

  private complete(payload: string): void {
    if (this.over) return;
    if (this.canceledBy) return void this.settleCanceled();
    tellUnfinished(this.steps.unfinished(), this.context.logger);
    this.end();
    this.steps.ledger.failures.memoiseAll();
    this.journal.dropKeptInput();
    this.journal.last(endingOf(this.claimed, this.workflow, 'succeeded', payload));
    if (this.steps.functions.active.size > 0) this.abort(new Error(`Run "${this.run.id}" has succeeded without this step.`));
  }

  async fail(thrown: unknown): Promise<void> {
    if (this.over) return;
    if (this.canceledBy) return this.settleCanceled();
    this.steps.ledger.close();
    await this.steps.ledger.activity.functionsSettled();
    if (this.over) return;
    if (this.canceledBy) return this.endCanceled();
    const { retry } = this.workflow.options;
    const { delayMs, error } = verdictOn(thrown, this.run.failures + 1, this.maxAttempts, retry, this);
    const sealed = this.worker.sealer.sealError(error, `error of run "${this.run.id}"`);
    const payload = typeof sealed === 'string' ? sealed : await sealed;
    if (this.over) return;
    if (this.canceledBy) return this.endCanceled();
    this.end();
    const { failures } = this.steps.ledger;
    // No attempt follows: the replay that collects the compensations must see what this one saw.
    if (delayMs === undefined && this.isCompensable) failures.memoiseAll();
    else failures.reopen(thrown);
    if (delayMs === undefined) {
      this.writeFailure(error, payload);
      return;
    }
    this.context.logger.warn(
      `Attempt ${this.context.run.attempt} of ${this.maxAttempts} failed, the next follows in ${Math.round(delayMs)} ms: ${describeError(error)}`,
      { error: errorForLog(error) },
    );
    this.journal.backOff(delayMs, this.deadline, payload);
  }

  private timeOut(): void {
    if (this.over) return;
    const { id, workflow } = this.run;
    const error = new RunTimeoutError({ runId: id, workflow, timeoutMs: this.workflow.options.timeoutMs as number });
    this.end();
    this.abort(error);
    this.writeFailure(error);
  }

  /** @param payload the error as it is stored; what this library throws by itself holds nothing to hide */
  private writeFailure(error: unknown, payload = encodeError(error)): void {
    const what = this.run.hookOf === undefined ? 'The run' : 'The failure hook of the run';
    const consequence = this.isCompensable ? ', its completed steps are compensated' : '';
    this.context.logger.error(`${what} failed${consequence}: ${describeError(error)}`, { error: errorForLog(error) });
    this.journal.last(endingOfFailure(this.claimed, this.workflow, payload, this.isCompensable));
  }

  /** A failure hook is not undone: it has no outcome but its own. */
  private get isCompensable(): boolean {
    return this.steps.ledger.compensable && this.run.hookOf === undefined;
  }

  private refused(error: Error): void {
    this.end();
    this.context.logger.error(`A call for the run failed, it is handed back: ${error.message}`);
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
    this.graceTimer?.cancel();
    this.steps.ledger.close();
    this.worker.ended(this);
  }

  abort(reason: unknown): void {
    this.context.abort(reason);
    this.steps.functions.abort(reason);
  }
}
