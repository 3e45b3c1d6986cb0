import type { PassOutcome } from '../../core/api/interceptor.types.js';
import type { RetryFailure } from '../../core/api/retry.types.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import { CrashLoopError, RunCanceledError } from '../../core/errors/index.js';
import { decodePayload, encodePayload } from '../../core/payload/payload.js';
import { blockMessage, type Departure, unaskedMessage } from '../../core/replay/block-reason.js';
import { runScope } from '../../core/run-scope.js';
import { type Determinism, NOT_WATCHED } from '../../core/workflows/determinism.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { Op, WriteStatus } from '../../redis/script/op.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import { PassJournal } from '../steps/pass-journal.js';
import type { StepHost } from '../steps/step-host.js';
import { StepRuntime } from '../steps/step-runtime.js';
import { type UnwindingPass, unwind } from './compensation.js';
import { endAttempt, type FailingPass, failForGood, timeOut } from './failing.js';
import { aroundPass } from './intercepted-pass.js';
import { decide, isUndecided, type UndecidedPass } from './late-admission.js';
import { block } from './pass-block.js';
import { endingOf, endingOfUnwinding, tellUnfinished, unfitDelayOf } from './pass-ending.js';
import { PassExit } from './pass-exit.js';
import type { PassHost, ServedWorkflow } from './pass-host.js';
import { PassTimers } from './pass-timers.js';
import { runningRecord } from './retry-verdict.js';
import { RunContext } from './run-context.js';
import { isShaped, type PassWithInput } from './run-input.js';
import { whenLeased } from './when-leased.js';

/** One execution of a handler, from claim to success, failure, park, hand-back or loss. */
export class Pass implements StepHost, UnwindingPass, UndecidedPass, PassWithInput, FailingPass {
  readonly context: RunContext;
  readonly journal: PassJournal;
  /** Of the handler; of the compensations once these run. */
  steps: StepRuntime;
  readonly run: StoredRun;
  readonly exit = new PassExit(this);
  private readonly maxAttempts: number;
  readonly timers: PassTimers;
  private canceledBy: RunCanceledError | undefined;
  hasTimedOut = false;
  /** Told once how the pass ends. */
  onEnded: ((outcome: PassOutcome) => void) | undefined;
  private over = false;
  private blocked = false;

  constructor(
    readonly claimed: ClaimedRun,
    readonly data: RunData,
    readonly workflow: ServedWorkflow,
    readonly worker: PassHost,
  ) {
    this.run = claimed.run;
    this.maxAttempts = this.run.maxAttempts ?? workflow.options.maxAttempts;
    this.timers = new PassTimers(this.run, workflow);
    this.journal = new PassJournal(
      worker.buffer,
      this.run.id,
      claimed.fence,
      () => this.exit.lose(),
      (error) => this.exit.refused(error as Error),
    );
    this.context = new RunContext(this, this.maxAttempts, worker.logger);
    this.steps = new StepRuntime(this, data);
    this.context.step = this.steps;
  }

  /** @param now Redis time of the claim */
  start(now: number): void {
    whenLeased(this.worker, now, (from) => this.over || this.judge(from));
  }

  private judge(now: number): void {
    const { id, workflow, recoveries, recoveryStreak } = this.run;
    if (this.run.unwinding !== undefined) return void this.unwind();
    if (this.run.cancelRequestedAt !== undefined) return void this.endCanceled();
    if (recoveryStreak > this.worker.maxRecoveries) {
      failForGood(this, new CrashLoopError({ runId: id, workflow, recoveries }));
      return;
    }
    if (!this.timers.begin(now)) return void this.timeOut();
    this.watchDeadline(now);
    const begin = () => whenLeased(this.worker, now, (from) => this.over || this.begin(from));
    if (isUndecided(this.claimed, this.data, this.workflow)) void decide(this, this.workflow, begin);
    else this.begin(now);
  }

  /** Also when the clock was moved. */
  watchDeadline(now: number): void {
    this.timers.watch(now, () => this.timeOut());
  }

  private begin(now: number): void {
    this.steps.completeEnded(now);
    aroundPass(this, () => this.execute()).then(
      (output) => this.succeed(output),
      (error) => this.fail(error),
    );
  }

  get isOver(): boolean {
    return this.over;
  }

  get isLeaving(): boolean {
    return this.exit.isLeaving;
  }

  get isCanceled(): boolean {
    return this.canceledBy !== undefined;
  }

  private get isEnding(): boolean {
    return this.over || this.hasTimedOut || this.blocked;
  }

  /** A run that unwinds has its handler executed only to learn from it. */
  get determinism(): Determinism {
    return this.run.unwinding === undefined ? this.workflow.options.determinism : NOT_WATCHED;
  }

  get hasLooked(): boolean {
    return this.context.hasLooked;
  }

  suspect(step: string, missing: readonly string[]): void {
    const departure = { because: 'replay', step, missing } as const;
    if (this.determinism.mode === 'block') return void this.block(departure);
    const { departures } = this.worker;
    departures.warn(this.context, blockMessage({ ...departure, deployment: departures.deployment }));
    this.steps.ledger.watch.excuse(missing);
  }

  /** Sets the run aside: its code departs from what is stored of it. */
  block(departure: Departure): void {
    if (this.isEnding || this.canceledBy) return;
    this.blocked = true;
    void block(this, departure);
  }

  get errors(): ErrorClasses {
    return this.workflow.errors;
  }

  failureOf(error: Error): RetryFailure {
    return { run: runningRecord(this.run, this.data.input, this.maxAttempts, this.worker.workerId), error };
  }

  quiet(waitingSteps: string[]): void {
    this.journal.park(this.timers.deadline, waitingSteps, ({ status, now, reason }) => {
      if (this.over) return;
      if (status === 'READY') void this.steps.resume(now);
      else if (status === 'CANCELED') this.cancel(reason);
      else this.close('parked');
    });
  }

  canceled(reason: string): Error {
    this.cancel(reason);
    return this.canceledBy as Error;
  }

  /** Aborts the handler and lets no further step begin; the run ends canceled once the handler settles, or its grace is over. */
  cancel(reason: string): void {
    if (this.canceledBy || this.run.unwinding !== undefined) return;
    this.canceledBy = new RunCanceledError({ runId: this.context.run.id, reason: reason === '' ? undefined : reason });
    // One that is to be blocked waits for its functions, maybe for ever.
    if (this.over || this.hasTimedOut) return;
    this.steps.ledger.halt(this.canceledBy);
    this.grace(() => this.endCanceled());
    this.abort(this.canceledBy);
  }

  /** @param last the write that ends it, unless that is answered already */
  close(outcome: PassOutcome, last?: Op<WriteStatus>): void {
    this.end(outcome);
    if (last) this.journal.last(last);
    else this.journal.close();
  }

  yield(): void {
    this.exit.yield();
  }

  /** How long a handler may take to settle once it was told to. */
  grace(isOver: () => void): void {
    this.timers.giveGrace(this.worker.cancelGraceMs, isOver);
  }

  async execute(): Promise<unknown> {
    const schema = this.workflow.options.input;
    const { context, data } = this;
    context.input = isShaped(this, schema) ? await context.inputs.throughSchema(schema) : decodePayload(data.input);
    return runScope.run({ context: this.context }, this.workflow.handler, this.context);
  }

  private async unwind(): Promise<void> {
    const errors = await unwind(this);
    if (this.isEnding) return;
    this.end(errors === undefined ? 'handed_back' : this.run.unwinding === 'c' ? 'canceled' : 'failed');
    if (errors !== undefined) this.journal.last(endingOfUnwinding(this.claimed, this.workflow, errors));
    else if (this.isLeaving) this.journal.release(0);
    else this.journal.release(unfitDelayOf(this.run), true);
  }

  /** What the handler of a canceled run came to does not matter; its steps in flight are stored. */
  private async settleCanceled(): Promise<void> {
    this.steps.ledger.close();
    await this.steps.ledger.activity.functionsSettled();
    this.endCanceled();
  }

  endCanceled(): void {
    if (this.over) return;
    this.end('canceled');
    this.steps.ledger.failures.memoiseAll();
    this.journal.last(endingOf(this.claimed, this.workflow, 'canceled', ''));
  }

  private succeed(output: unknown): void {
    if (this.isEnding) return;
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
    if (this.isEnding) return;
    if (this.canceledBy) return void this.settleCanceled();
    tellUnfinished(this.steps.unfinished(), this.context.logger);
    const unasked = this.steps.ledger.watch.unasked();
    this.end('succeeded');
    this.steps.ledger.failures.memoiseAll();
    this.noteUnasked(unasked);
    this.journal.dropKeptInput();
    this.journal.last(endingOf(this.claimed, this.workflow, 'succeeded', payload));
    if (this.steps.functions.active.size > 0) this.abort(new Error(`Run "${this.run.id}" has succeeded without this step.`));
  }

  /** Nothing happened twice, but the handler is not what it was when it stored these steps. */
  private noteUnasked(steps: readonly string[]): void {
    if (steps.length === 0) return;
    this.worker.departures.warn(this.context, unaskedMessage(steps));
    this.journal.noteReplay('ua', JSON.stringify(steps));
  }

  async fail(thrown: unknown): Promise<void> {
    if (this.isEnding) return;
    if (this.canceledBy) return this.settleCanceled();
    this.steps.ledger.close();
    await this.steps.ledger.activity.functionsSettled();
    if (this.isEnding) return;
    // What the handler makes of its abortion is no failure.
    if (this.isLeaving) this.yield();
    else await endAttempt(this, thrown);
  }

  private timeOut(): void {
    if (this.over || this.hasTimedOut) return;
    this.hasTimedOut = true;
    void timeOut(this);
  }

  /** Ends the pass for the handler: what it still calls never settles, and its slot is free. */
  end(outcome: PassOutcome): void {
    if (this.over) return;
    this.over = true;
    this.timers.clear();
    this.steps.ledger.close();
    this.steps.functions.stragglers.forget();
    this.worker.ended(this);
    this.onEnded?.(outcome);
  }

  abort(reason: unknown): void {
    this.context.abort(reason);
    this.steps.functions.abort(reason);
  }
}
