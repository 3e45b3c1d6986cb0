import type { RunInterceptor } from '../../core/api/interceptor.types.js';
import type { Stored } from '../../core/api/values.types.js';
import type { StepContext, StepOptions, WorkflowContext } from '../../core/api/workflow.types.js';
import { describeValue } from '../../core/checks/describe-value.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import { InvalidOptionError, isNeverRetried } from '../../core/errors/index.js';
import { decodeError, decodePayload, encodePayload, isUnchanged } from '../../core/payload/payload.js';
import type { SealedError, Sealer } from '../../core/payload/sealer.js';
import { asError } from '../../core/payload/stored-error.js';
import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { MethodCall } from '../replay/method-calls.js';
import { refuseMismatch } from '../replay/replay-mismatch.js';
import { ProgressReports } from './progress-reports.js';
import type { Opening, StepLedger } from './step-ledger.js';
import { COMPENSATE } from './step-names.js';
import { type StepCompensation, type StepPolicy, stepPolicyOf } from './step-policy.js';
import { beginningOf, recordOf } from './step-records.js';
import { StepTask, type StepTaskHost, type StepTaskInit } from './step-task.js';
import { Stragglers } from './stragglers.js';

const NO_POLICY: StepPolicy = {};

/** Steps that are functions: `ctx.step.run`. */
export class RunSteps implements StepTaskHost {
  readonly active = new Set<StepTask>();
  /** How to undo the steps that the handler has called so far. */
  readonly compensations = new Map<string, StepCompensation>();
  readonly stragglers: Stragglers;
  /** Functions that start once their beginning is stored. */
  private beginnings = 0;
  private readonly reports: ProgressReports;

  constructor(private readonly ledger: StepLedger) {
    this.stragglers = new Stragglers(ledger.host.worker.cancelGraceMs);
    this.reports = new ProgressReports(ledger);
  }

  /** A function is running, or is about to, that may have to be undone. */
  get hasUndoable(): boolean {
    return (
      this.beginnings + this.stragglers.size > 0 || [...this.active].some(({ init }) => init.policy.compensation !== undefined)
    );
  }

  private get sealer(): Sealer {
    return this.ledger.host.worker.sealer;
  }

  get context(): WorkflowContext {
    return this.ledger.host.context;
  }

  get executedRunId(): string {
    return this.ledger.executedRunId;
  }

  get maxPayloadBytes(): number {
    return this.ledger.host.worker.maxPayloadBytes;
  }

  get stepInterceptor(): RunInterceptor['step'] {
    return this.ledger.host.worker.interceptors.step;
  }

  storeProgress(step: string, payload: string, where: () => string): Promise<unknown> {
    return this.reports.store(step, payload, where);
  }

  /** @param call if a `@Step()` method makes it and the name is its default one */
  run<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions | undefined,
    call: MethodCall | undefined,
  ): Promise<Stored<T>> {
    let policy = NO_POLICY;
    const opening: Opening<Stored<T>> = (resolve, reject) => {
      if (typeof fn !== 'function') {
        throw new InvalidOptionError('fn', `Expected step "${name}" to be given a function; got ${describeValue(fn)}`);
      }
      if (options !== undefined) policy = stepPolicyOf(name, options, this.ledger.host.errors);
      return (stored) => {
        if (call?.mismatched !== undefined && refuseMismatch(this.ledger, call.mismatched)) return;
        if (stored?.status === 's' || stored?.status === 'f') {
          this.replay(name, policy, stored, resolve, reject);
          return;
        }
        this.launch(name, fn, policy, stored, resolve as (value: never) => void, reject, call?.digest);
      };
    };
    const met = () => {
      if (policy.compensation) this.compensable(name, policy.compensation);
    };
    return this.ledger.open(name, 'r', opening, met, call !== undefined);
  }

  /** Runs a compensation as a step of its own, with a policy that is checked already. */
  undo(name: string, fn: (step: StepContext) => Promise<void>, policy: StepPolicy): Promise<void> {
    return this.ledger.open<void>(
      name,
      'r',
      (resolve, reject) => (stored) => this.launch(name, fn, policy, stored, resolve, reject, undefined),
      undefined,
      true,
    );
  }

  private launch(
    name: string,
    fn: (step: StepContext) => unknown,
    policy: StepPolicy,
    stored: StoredStep | undefined,
    resolve: (value: never) => void,
    reject: (error: unknown) => void,
    digest: string | undefined,
  ): void {
    const attempt = stored ? stored.attempt + (stored.status === 'r' ? 0 : 1) : 1;
    const base = stored ? (stored.status === 'x' ? stored.attempt : stored.base) : 0;
    const lastProgress = this.ledger.data.progress.get(name);
    const isDoubtful = stored?.kind === 'u';
    const init: StepTaskInit = { name, fn, policy, attempt, base, isDoubtful, lastProgress, digest, resolve, reject };
    if (stored?.status === 'w') this.waitForRetry(init, stored.moment);
    else this.begin(init);
  }

  private compensable(name: string, compensation: StepCompensation): void {
    this.ledger.names.reserve(compensationOf(name));
    this.compensations.set(name, compensation);
  }

  abort(reason: unknown): void {
    for (const task of this.active) task.abort(reason);
  }

  /** Tells Redis which steps have been running for a while, for those who look. */
  markRunning(longerThanMs: number): void {
    for (const task of this.active) {
      if (task.marked || task.elapsedMs < longerThanMs) continue;
      task.marked = true;
      this.ledger.commit(recordOf(task, 0, 'r', '', 'r'));
    }
  }

  private replay<T>(
    name: string,
    policy: StepPolicy,
    stored: StoredStep,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    this.ledger.deliver(stored.order, () => {
      if (stored.status === 's') resolve(decodePayload(stored.payload) as T);
      else reject(this.ledger.failures.replay(name, stored, this.errorsOf(policy)));
    });
  }

  private begin(init: StepTaskInit): void {
    if (init.policy.compensation) {
      this.beginUndoable(init);
      return;
    }
    this.ledger.whenCommitted(() => {
      this.ledger.activity.entered();
      this.execute(new StepTask(init, this));
    }, init.reject);
  }

  /** Its beginning is stored before the function starts: from then on it may have taken effect, whatever becomes of this process. */
  private beginUndoable(init: StepTaskInit): void {
    const { ledger } = this;
    // The pass does not end before it is clear whether the function starts.
    ledger.activity.entered();
    this.beginnings++;
    const begin = (): void => {
      this.beginnings--;
      const task = new StepTask(init, this);
      task.marked = true;
      this.execute(task);
    };
    const drop = (): void => {
      this.beginnings--;
      if (!init.isDoubtful) ledger.commit({ ...beginningOf(init), kind: 'r', status: 'x', attempt: init.attempt - 1 });
      ledger.activity.left();
    };
    const refused = (error: unknown): void => {
      drop();
      init.reject(error);
    };
    ledger.failures.memoise();
    ledger.commit(beginningOf(init));
    ledger.whenCommitted(begin, refused, drop);
  }

  private execute(task: StepTask): void {
    this.active.add(task);
    task.execute();
  }

  succeeded(task: StepTask, value: unknown): void {
    const where = () => `output of ${this.nameOf(task)}`;
    let payload: string;
    let sealed: string | Promise<string>;
    try {
      payload = encodePayload(value, where, this.maxPayloadBytes);
      sealed = this.sealer.seal(payload, where);
    } catch (error) {
      this.failed(task, error);
      return;
    }
    if (typeof sealed === 'string') this.complete(task, value, payload, sealed);
    else {
      // Until then the function counts as running.
      sealed.then(
        (text) => this.complete(task, value, payload, text),
        (error) => this.failed(task, error),
      );
    }
  }

  private complete(task: StepTask, value: unknown, payload: string, sealed: string): void {
    const { resolve, policy } = task.init;
    const order = this.ledger.nextOrder();
    this.ledger.commit(recordOf(task, order, 's', sealed, policy.compensation ? 'v' : 'r'));
    this.ledger.deliverNew(order, () => resolve((isUnchanged(value) ? value : decodePayload(payload)) as never), 1);
    this.settled(task);
  }

  failed(task: StepTask, error: unknown): void {
    // Told to stop, it was not done: the next pass executes it again.
    if (this.ledger.host.isLeaving) {
      this.settled(task);
      this.ledger.leaveToNextPass();
      return;
    }
    let failure = error;
    let delayMs: number | undefined;
    try {
      delayMs = this.retryDelayOf(task, error);
    } catch (policyError) {
      failure = policyError;
    }
    const kept = this.sealer.sealError(failure, `error of ${this.nameOf(task)}`);
    if (kept instanceof Promise) void kept.then((failed) => this.conclude(task, failed, delayMs));
    else this.conclude(task, kept, delayMs);
  }

  /**
   * The handler gets what every replay will give it: the error as it is stored, not the one that was thrown.
   * @param delayMs undefined when no attempt follows
   */
  private conclude(task: StepTask, { sealed: payload, json }: SealedError, delayMs: number | undefined): void {
    const { name, policy } = task.init;
    const isDoubtful = policy.compensation !== undefined && task.isDoubtful;
    const kind = isDoubtful ? 'u' : 'r';
    if (delayMs !== undefined) {
      this.waitForRetry({ ...task.init, attempt: task.attempt + 1, isDoubtful });
      this.settled(task);
      this.ledger.register(name, { ...recordOf(task, 0, 'w', payload, kind), wait: { delayMs } });
      return;
    }
    const order = this.ledger.nextOrder();
    const error = decodeError(json, this.errorsOf(policy));
    const announce = this.ledger.failures.add(error, recordOf(task, order, 'f', payload, kind));
    if (!isDoubtful) this.ledger.undoables.spare(name);
    this.ledger.deliver(order, () => {
      announce();
      task.init.reject(error);
    });
    this.settled(task);
  }

  private errorsOf({ errors }: StepPolicy): ErrorClasses {
    return errors ?? this.ledger.host.errors;
  }

  private nameOf({ init }: StepTask): string {
    return `step "${init.name}" of run "${this.ledger.runId}"`;
  }

  private retryDelayOf(task: StepTask, error: unknown): number | undefined {
    const { retry } = task.init.policy;
    const failures = task.attempt - task.init.base;
    if (!retry || failures >= retry.maxAttempts || isNeverRetried(error) || this.ledger.isHalted) return undefined;
    const verdict = retry.decide(this.ledger.host.failureOf(asError(error)), failures);
    return verdict.retry ? verdict.delayMs : undefined;
  }

  private waitForRetry(init: StepTaskInit, wakeAt?: number): void {
    const { name, reject } = init;
    const fire = () => this.begin({ ...init, lastProgress: this.ledger.data.progress.get(name) });
    this.ledger.wait({ name, wakeAt, fire, abandon: reject });
  }

  private settled(task: StepTask): void {
    this.active.delete(task);
    const left = () => this.ledger.activity.left();
    if (task.isRunning && task.init.policy.compensation) this.stragglers.add(task, left);
    else left();
  }
}

/** The step that undoes another one. */
export function compensationOf(step: string): string {
  return `${COMPENSATE}${step}`;
}
