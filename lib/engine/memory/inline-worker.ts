import type { LoggerPort } from '../core/api/values.types.js';
import { RedisClock } from '../core/async/redis-clock.js';
import { TurnClock } from '../core/async/turn-clock.js';
import { InvalidOptionError, RunBlockedError } from '../core/errors/index.js';
import { type Interceptors, NO_INTERCEPTORS } from '../core/interceptors.js';
import { Sealer } from '../core/payload/sealer.js';
import type { BlockReason } from '../core/replay/block-reason.js';
import type { WorkflowDirectory } from '../creation/workflow-directory.js';
import { BLOCK_RUN } from '../redis/replay/block-run.js';
import type { Op, OpSink } from '../redis/script/op.js';
import { NO_EVENT } from '../redis/steps/stored-outcome.js';
import { hookWorkflow } from '../worker/pass/failure-hook.js';
import { Pass } from '../worker/pass/pass.js';
import type { PassHost, ServedWorkflow } from '../worker/pass/pass-host.js';
import { DepartureLog } from '../worker/replay/departure-log.js';
import type { ContextSteps, StepHost } from '../worker/steps/step-host.js';
import type { StepRuntime } from '../worker/steps/step-runtime.js';
import { anyWithoutEnd, waitsForItself } from './inline.messages.js';
import type { InlineRun } from './inline-run.js';
import { InlineStore } from './inline-store.js';
import { transitionOf } from './inline-transitions.js';

/** Real time, which a test has little of. */
const CANCEL_GRACE_MS = 1_000;

export interface InlineWorkerOptions {
  readonly logger: LoggerPort;
  readonly maxPayloadBytes: number;
  readonly directory: WorkflowDirectory;
  served(workflow: string): ServedWorkflow;
  /** The steps that the handler of a run gets. */
  stepsOf(run: InlineRun, runtime: StepRuntime): ContextSteps;
}

/**
 * Executes the passes of runs in memory, as a worker does those of runs in Redis; instead of waiting it moves the time on.
 *
 * Operations are answered at the end of the turn of the event loop, as by an idle `WriteBuffer`. When there is neither an operation
 * nor a pass left, the clock goes on to when the next run is due.
 */
export class InlineWorker implements PassHost, OpSink {
  readonly workerId = 'inline';
  readonly maxRecoveries = Number.POSITIVE_INFINITY;
  readonly cancelGraceMs = CANCEL_GRACE_MS;
  /** Nothing leaves the process. */
  readonly sealer: Sealer;
  readonly interceptors: Interceptors = NO_INTERCEPTORS;
  readonly clock = new RedisClock();
  readonly turns = new TurnClock();
  readonly buffer: OpSink = this;
  readonly departures = new DepartureLog(undefined);
  /** Nothing is refused here. */
  readonly handBacks = { add: () => undefined };
  readonly store = new InlineStore(this.clock, (runId) => this.hinted(runId));
  readonly logger: LoggerPort;
  readonly maxPayloadBytes: number;
  readonly directory: WorkflowDirectory;
  private readonly active = new Set<Pass>();
  private pending: Array<() => void> = [];
  private scheduled = false;
  private isStopped = false;
  private root: InlineRun | undefined;
  private onEnded: (() => void) | undefined;
  private onFailed: ((error: unknown) => void) | undefined;

  constructor(private readonly options: InlineWorkerOptions) {
    this.logger = options.logger;
    this.maxPayloadBytes = options.maxPayloadBytes;
    this.directory = options.directory;
    this.sealer = new Sealer(undefined, this.logger, this.maxPayloadBytes);
  }

  /** Resolves once the run and its failure hook have ended; what is left of its children is dropped then. */
  async execute(root: InlineRun): Promise<void> {
    this.root = root;
    try {
      await new Promise<void>((resolve, reject) => {
        this.onEnded = resolve;
        this.onFailed = reject;
        this.kick();
      });
    } finally {
      this.isStopped = true;
      for (const pass of [...this.active]) pass.exit.handBack();
    }
  }

  /** Ends the execution with an error: the call of `runInline` is wrong, whatever the workflow makes of it. */
  readonly refuse = (error: unknown): void => this.onFailed?.(error);

  /** Cancels the run and all that it has started. */
  cancel(reason: string): void {
    for (const run of this.store.runs.values()) this.store.cancel(run, reason);
    for (const pass of this.active) if (pass.run.hookOf === undefined) pass.cancel(reason);
    this.kick();
  }

  send<T>(op: Op<T>, done: (value: T) => void): void {
    this.pending.push(() => this.answer(op, done));
    this.kick();
  }

  ended(pass: StepHost): void {
    this.active.delete(pass as Pass);
    this.kick();
  }

  leaseConfirmed(): undefined {
    return undefined;
  }

  goOnWith(): void {}

  protected answer<T>(op: Op<T>, done: (value: T) => void): void {
    const { name, key = '', args } = op;
    const run = this.store.runs.get(key);
    // A write of a pass that has ended goes nowhere.
    if (!run?.isRunning) return;
    let value: T;
    try {
      if (name === 'block_run') throw blockedError(run.id, BLOCK_RUN.read(args).reason);
      value = op.parse(transitionOf(name)(this.store, run, args));
    } catch (error) {
      this.refuse(error);
      return;
    }
    done(value);
  }

  private hinted(runId: string): void {
    for (const pass of this.active) if (pass.run.id === runId) pass.steps.remote.look();
  }

  private kick(): void {
    if (this.scheduled || this.isStopped) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.isStopped) return;
    for (const answer of this.pending.splice(0)) answer();
    if (this.pending.length > 0) return;
    this.startAll();
    if (this.active.size === 0 && this.pending.length === 0) this.goOn();
  };

  protected startAll(): void {
    for (let run = this.store.take(); run; run = this.store.take()) this.start(run);
  }

  private start(run: InlineRun): void {
    const served = this.options.served(run.fields.workflow as string);
    const { hookOf } = run.fields;
    if (hookOf === undefined && served.options.version !== undefined) run.fields.version ??= served.options.version;
    const failed = hookOf === undefined ? undefined : this.store.runs.get(hookOf)?.record;
    const now = this.store.now();
    const claimed = run.claim(now);
    const data = run.storedData;
    const workflow = hookOf === undefined ? served : hookWorkflow(served, failed ?? null, data);
    const pass = new Pass(claimed, data, workflow, this);
    pass.context.step = this.options.stepsOf(run, pass.steps);
    this.active.add(pass);
    pass.start(now);
  }

  protected finish(): void {
    this.onEnded?.();
  }

  /** Nothing is going on: the run has ended, or time moves on. */
  protected goOn(): void {
    const { root, store } = this;
    if (root?.hasEnded && root.fields.hookStatus !== 'p') {
      this.finish();
      return;
    }
    try {
      if (!store.advance(false) && !this.endOpenWait() && !store.advance(true)) {
        throw new InvalidOptionError('workflow', waitsForItself(root?.id ?? ''));
      }
    } catch (error) {
      this.refuse(error);
      return;
    }
    this.kick();
  }

  /** Nothing will ever happen but for events that nobody emits: the first wait for one gets null. */
  private endOpenWait(): boolean {
    for (const run of this.store.runs.values()) {
      for (const [step, { kind, status }] of run.storedData.steps) {
        if (status !== 'w') continue;
        if (kind === 'a') throw new InvalidOptionError('stepOverrides', anyWithoutEnd(step));
        if (kind === 'e') return this.store.deliver({ run, step, branch: '' }, 'd', NO_EVENT);
      }
    }
    return false;
  }
}

/** Nobody could let the run go on. */
function blockedError(runId: string, reason: string): RunBlockedError {
  return new RunBlockedError({ runId, reason: JSON.parse(reason) as BlockReason });
}
