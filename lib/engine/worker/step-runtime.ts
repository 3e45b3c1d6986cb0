import { checkStepName, rejectUnknownKeys } from '../core/checks.js';
import { parsePositiveDuration, parseWhen } from '../core/duration.js';
import { DuplicateStepError, isNeverRetried, NestedStepError, StepMismatchError } from '../core/errors/index.js';
import { decodePayload, encodeError, encodePayload } from '../core/payload.js';
import { resolveRetryPolicy } from '../core/retry-policy.js';
import type { StoredError } from '../core/run.types.js';
import { asError, fromStoredError } from '../core/stored-error.js';
import type { Stored, When } from '../core/values.types.js';
import type { RetryFailure, StepApi, StepContext, StepOptions, WorkflowContext } from '../core/workflow.types.js';
import { STEP_KINDS } from '../redis/keyspace.js';
import type { RunData, StoredStep } from '../redis/stored-step.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { PassJournal, StepWrite } from './pass-journal.js';
import type { RedisClock } from './redis-clock.js';
import { runScope } from './run-scope.js';
import { StepFailures } from './step-failures.js';
import { type StepPolicy, StepTask, type StepTaskHost, type StepTaskInit } from './step-task.js';
import type { TurnClock } from './turn-clock.js';
import { type Wait, WaitSet } from './wait-set.js';

/** What the steps need of their pass and its worker. */
export interface StepHost {
  readonly context: WorkflowContext;
  readonly maxPayloadBytes: number;
  readonly clock: RedisClock;
  readonly turns: TurnClock;
  readonly journal: PassJournal;
  /** Resolves when the worker's lease is certain; undefined while it is. */
  leaseConfirmed(): Promise<void> | undefined;
  failureOf(error: Error): RetryFailure;
  /** All that is left are waits. */
  quiet(waitingSteps: string[]): void;
}

const NO_POLICY: StepPolicy = {};
const STEP_OPTIONS = ['timeout', 'maxAttempts', 'retries'] as const;

/** The steps of one pass: replays what is stored, executes what is not, and notices when nothing is left but waiting. */
export class StepRuntime implements StepApi, StepTaskHost {
  readonly failures: StepFailures;
  readonly active = new Set<StepTask>();
  /** When a step last began or ended, on the monotonic clock. */
  lastProgressAt = performance.now();
  private readonly used = new Set<string>();
  private readonly waits: WaitSet;
  private readonly deliveries: DeliveryQueue;
  private order: number;
  private opening = 0;
  private quietCheckArmed = false;
  private closed = false;
  private parking = false;
  private warnedOfNesting = false;
  private onSiblingsSettled: (() => void) | undefined;

  constructor(
    private readonly host: StepHost,
    private readonly data: RunData,
  ) {
    this.failures = new StepFailures((step) => void host.journal.commitStep(step));
    this.waits = new WaitSet(host.clock, (wait) => this.due(wait));
    this.order = 0;
    const orders: number[] = [];
    for (const { order } of data.steps.values()) {
      if (order > 0) orders.push(order);
      if (order > this.order) this.order = order;
    }
    this.deliveries = new DeliveryQueue(host.turns, orders);
  }

  get context(): WorkflowContext {
    return this.host.context;
  }

  get maxPayloadBytes(): number {
    return this.host.maxPayloadBytes;
  }

  storeProgress(step: string, payload: string): Promise<unknown> {
    this.lastProgressAt = performance.now();
    return this.host.journal.progress(step, payload);
  }

  readonly run = <T>(name: string, fn: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<Stored<T>> => {
    const scope = runScope.getStore();
    if (scope?.step && scope.context === this.context) return this.callNested(scope.step, name, fn);
    return this.durable(name, 'r', (resolve, reject) => {
      const policy = options ? this.policyOf(name, options) : NO_POLICY;
      return (stored) => {
        const attempt = stored ? stored.attempt + (stored.status === 'r' ? 0 : 1) : 1;
        const base = stored ? (stored.status === 'x' ? stored.attempt : stored.base) : 0;
        const lastProgress = this.data.progress.get(name);
        const init = { name, fn, policy, attempt, base, lastProgress, resolve, reject };
        if (stored?.status === 'w') this.waitForRetry(init, stored.moment);
        else this.begin(init);
      };
    });
  };

  readonly waitFor = (name: string, target: When): Promise<void> => {
    const scope = runScope.getStore();
    if (scope?.step && scope.context === this.context) {
      return observed(Promise.reject(new NestedStepError({ runId: this.context.run.id, outer: scope.step.name, inner: name })));
    }
    return this.durable(name, 's', (resolve) => {
      const when = parseWhen(target, 'target');
      return (stored) => this.sleep(name, when, stored, resolve as () => void);
    });
  };

  /** No step of this pass begins any more; calls to come never settle. */
  close(): void {
    this.closed = true;
    this.waits.clear();
  }

  /** Resolves when no step function is in flight; their outcomes have been handed to the journal then. */
  siblingsSettled(): Promise<void> {
    if (this.active.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onSiblingsSettled = resolve;
    });
  }

  abort(reason: unknown): void {
    for (const task of this.active) task.abort(reason);
  }

  /** Tells Redis which steps have been running for a while, for those who look. */
  markRunning(longerThanMs: number): void {
    for (const task of this.active) {
      if (task.marked || task.elapsedMs < longerThanMs) continue;
      task.marked = true;
      void this.host.journal.commitStep({ ...recordOf(task), order: 0, status: 'r', payload: '' });
    }
  }

  /** Sleeps that ended while the run was parked complete now, in the order of their deadlines. */
  completeDueSleeps(now: number): void {
    const due = [...this.data.steps].filter(([, { kind, status, moment }]) => kind === 's' && status === 'w' && moment <= now);
    for (const [name, stored] of due.sort(([, a], [, b]) => a.moment - b.moment)) {
      const order = ++this.order;
      this.data.steps.set(name, { ...stored, status: 's', order });
      void this.host.journal.commitStep(sleepRecord(name, stored.startedAt, 's', order, now));
    }
  }

  /** A park found a wait already due: the pass goes on. */
  resume(now: number): void {
    this.parking = false;
    this.waits.resume(now);
    this.changed();
  }

  private durable<T>(
    name: string,
    kind: 'r' | 's',
    open: (resolve: (value: never) => void, reject: (error: unknown) => void) => (stored: StoredStep | undefined) => void,
  ): Promise<T> {
    if (this.closed) return new Promise(() => undefined);
    return observed(
      new Promise<T>((resolve, reject) => {
        try {
          const start = open(resolve as (value: never) => void, reject);
          this.use(name, kind);
          const stored = this.data.steps.get(name);
          if (stored?.status === 's' || stored?.status === 'f') this.replay(name, stored, resolve, reject);
          else start(stored);
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  private use(name: string, kind: 'r' | 's'): void {
    checkStepName(name);
    const runId = this.context.run.id;
    if (this.used.has(name)) throw new DuplicateStepError({ runId, step: name });
    this.used.add(name);
    const stored = this.data.steps.get(name);
    if (stored && stored.kind !== kind) {
      throw new StepMismatchError({ runId, step: name, stored: STEP_KINDS[stored.kind], called: STEP_KINDS[kind] });
    }
  }

  private policyOf(name: string, options: StepOptions): StepPolicy {
    rejectUnknownKeys(options, STEP_OPTIONS, `step "${name}"`);
    const { timeout, maxAttempts, retries } = options;
    return {
      timeoutMs: timeout === undefined ? undefined : parsePositiveDuration(timeout, 'timeout'),
      retry:
        maxAttempts === undefined && retries === undefined
          ? undefined
          : resolveRetryPolicy({ maxAttempts, retries }, 1, `step "${name}"`),
    };
  }

  private replay<T>(name: string, stored: StoredStep, resolve: (value: T) => void, reject: (error: unknown) => void): void {
    this.deliveries.offer(stored.order, () => {
      if (stored.status === 's') {
        resolve((stored.kind === 's' ? undefined : decodePayload(stored.payload)) as T);
      } else {
        const error = fromStoredError(decodePayload(stored.payload) as StoredError);
        const { kind, order, attempt, base, payload } = stored;
        this.failures.replayed(error, { name, kind: kind as 'r', order, attempt, base, elapsedMs: 0, payload });
        reject(error);
      }
      this.changed();
    });
  }

  private begin(init: StepTaskInit): void {
    this.opening++;
    // The handler went on, so what it caught is part of its history; and nothing starts before what it was given is committed.
    this.failures.memoise();
    const committed = this.host.journal.settled();
    const leased = this.host.leaseConfirmed();
    if (!committed && !leased) this.execute(init);
    else {
      // Refused only while the worker stops without Redis: then nothing may start.
      Promise.all([committed, leased]).then(
        () => this.execute(init),
        () => undefined,
      );
    }
  }

  private execute(init: StepTaskInit): void {
    this.opening--;
    if (this.closed) return;
    const task = new StepTask(init, this);
    this.active.add(task);
    this.lastProgressAt = performance.now();
    task.execute(
      (value) => this.succeeded(task, value),
      (error) => this.failed(task, error),
    );
  }

  private succeeded(task: StepTask, value: unknown): void {
    const { name, resolve } = task.init;
    let payload: string;
    try {
      payload = encodePayload(value, `output of step "${name}" of run "${this.context.run.id}"`, this.maxPayloadBytes);
    } catch (error) {
      this.failed(task, error);
      return;
    }
    const order = ++this.order;
    void this.host.journal.commitStep({ ...recordOf(task), order, status: 's', payload });
    this.deliveries.offer(order, () => {
      resolve((typeof value === 'string' ? value : decodePayload(payload)) as never);
      this.changed();
    });
    this.settled(task);
  }

  private failed(task: StepTask, error: unknown): void {
    let failure = error;
    try {
      const delayMs = this.retryDelayOf(task, error);
      if (delayMs !== undefined) {
        this.waitForRetry({ ...task.init, attempt: task.attempt + 1 });
        this.settled(task);
        this.register(task.init.name, { ...recordOf(task), order: 0, status: 'w', wait: { delayMs }, payload: encodeError(error) });
        return;
      }
    } catch (policyError) {
      failure = policyError;
    }
    const order = ++this.order;
    this.failures.add(failure, { ...recordOf(task), order, payload: encodeError(failure) });
    this.deliveries.offer(order, () => {
      task.init.reject(failure);
      this.changed();
    });
    this.settled(task);
  }

  private retryDelayOf(task: StepTask, error: unknown): number | undefined {
    const { retry } = task.init.policy;
    const failures = task.attempt - task.init.base;
    if (!retry || failures >= retry.maxAttempts || isNeverRetried(error)) return undefined;
    const verdict = retry.decide(this.host.failureOf(asError(error)), failures);
    return verdict.retry ? verdict.delayMs : undefined;
  }

  private settled(task: StepTask): void {
    this.active.delete(task);
    this.lastProgressAt = performance.now();
    if (this.active.size === 0) this.onSiblingsSettled?.();
    this.changed();
  }

  private sleep(name: string, when: { at: number } | { delayMs: number }, stored: StoredStep | undefined, resolve: () => void): void {
    this.failures.memoise();
    if (stored) {
      this.waits.add({ name, wakeAt: stored.moment, fire: (now) => this.endSleep(name, stored.startedAt, now, resolve) });
    } else if ('delayMs' in when && when.delayMs <= 0) {
      this.endSleep(name, this.host.clock.now(), this.host.clock.now(), resolve);
    } else {
      const since = this.host.clock.now();
      this.waits.add({ name, fire: (now) => this.endSleep(name, since, now, resolve) });
      this.register(name, { ...sleepRecord(name, 0, 'w', 0, 0), wait: when });
    }
    this.changed();
  }

  private endSleep(name: string, startedAt: number, now: number, resolve: () => void): void {
    const order = ++this.order;
    void this.host.journal.commitStep(sleepRecord(name, startedAt, 's', order, now));
    this.deliveries.offer(order, () => {
      resolve();
      this.changed();
    });
  }

  private waitForRetry(init: StepTaskInit, wakeAt?: number): void {
    this.waits.add({ name: init.name, wakeAt, fire: () => this.begin(init) });
    this.changed();
  }

  /** Stores the wait and learns its deadline from the Redis clock. The check for quiet goes first: then the park rides along. */
  private register(name: string, record: StepWrite): void {
    this.changed();
    void this.host.journal.commitStep(record).then(({ moment }) => this.waits.schedule(name, moment));
  }

  private due(wait: Wait): void {
    if (this.closed) return;
    wait.fire(this.host.clock.now());
    this.changed();
  }

  /** Arms the check whether all that is left are waits; the handler gets one full turn to go on first. */
  private changed(): void {
    if (this.quietCheckArmed || !this.isQuiet()) return;
    this.quietCheckArmed = true;
    setImmediate(() => {
      this.quietCheckArmed = false;
      if (!this.isQuiet()) return;
      // From here on the script decides which wait is over: a local timer may not end one in a pass that parks.
      this.parking = true;
      this.waits.pause();
      this.host.quiet(this.waits.names());
    });
  }

  private isQuiet(): boolean {
    if (this.closed || this.parking || this.waits.size === 0) return false;
    return this.active.size === 0 && this.opening === 0 && this.deliveries.empty;
  }

  private async callNested<T>(
    outer: { name: string; context: StepContext },
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
  ): Promise<Stored<T>> {
    if (!this.warnedOfNesting) {
      this.warnedOfNesting = true;
      this.context.logger.warn(`Step "${name}" was called inside step "${outer.name}": it is a part of it and not stored on its own.`);
    }
    return (await fn(outer.context)) as Stored<T>;
  }
}

/** A rejection that nobody awaits is in the step's record; it must not end the process. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function recordOf(task: StepTask): Omit<StepWrite, 'status' | 'order' | 'payload'> {
  const { name, attempt, base } = task.init;
  return { name, kind: 'r', attempt, base, elapsedMs: task.elapsedMs };
}

function sleepRecord(name: string, startedAt: number, status: 's' | 'w', order: number, now: number): StepWrite {
  return { name, kind: 's', status, order, attempt: 1, base: 0, elapsedMs: Math.max(0, now - startedAt), payload: '' };
}
