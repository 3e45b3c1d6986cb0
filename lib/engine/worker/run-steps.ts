import { rejectUnknownKeys } from '../core/checks.js';
import { describeValue } from '../core/describe-value.js';
import { parsePositiveDuration } from '../core/duration.js';
import { InvalidOptionError, isNeverRetried } from '../core/errors/index.js';
import { decodePayload, encodeError, encodePayload } from '../core/payload.js';
import { resolveRetryPolicy } from '../core/retry-policy.js';
import type { StoredError } from '../core/run.types.js';
import { asError, fromStoredError } from '../core/stored-error.js';
import type { Stored } from '../core/values.types.js';
import type { StepContext, StepOptions, WorkflowContext } from '../core/workflow.types.js';
import type { StoredStep } from '../redis/stored-step.js';
import { ALWAYS_PARK } from './always-park.js';
import type { StepWrite } from './pass-journal.js';
import type { StepLedger } from './step-ledger.js';
import { type StepPolicy, StepTask, type StepTaskHost, type StepTaskInit } from './step-task.js';

const NO_POLICY: StepPolicy = {};
const STEP_OPTIONS = ['timeout', 'maxAttempts', 'retries'] as const;

/** Steps that are functions: `ctx.step.run`. */
export class RunSteps implements StepTaskHost {
  readonly active = new Set<StepTask>();

  constructor(private readonly ledger: StepLedger) {}

  get context(): WorkflowContext {
    return this.ledger.host.context;
  }

  get maxPayloadBytes(): number {
    return this.ledger.host.maxPayloadBytes;
  }

  storeProgress(step: string, payload: string): Promise<unknown> {
    this.ledger.lastProgressAt = performance.now();
    this.ledger.data.progress.set(step, payload);
    return this.ledger.host.journal.progress(step, payload);
  }

  run<T>(name: string, fn: (step: StepContext) => T | Promise<T>, options: StepOptions | undefined): Promise<Stored<T>> {
    return this.ledger.open<Stored<T>>(name, 'r', (resolve, reject) => {
      if (typeof fn !== 'function') {
        throw new InvalidOptionError('fn', `Expected step "${name}" to be given a function; got ${describeValue(fn)}`);
      }
      const policy = options ? policyOf(name, options) : NO_POLICY;
      return (stored) => {
        if (stored?.status === 's' || stored?.status === 'f') {
          this.replay(name, stored, resolve, reject);
          return;
        }
        const attempt = stored ? stored.attempt + (stored.status === 'r' ? 0 : 1) : 1;
        const base = stored ? (stored.status === 'x' ? stored.attempt : stored.base) : 0;
        const lastProgress = this.ledger.data.progress.get(name);
        const init: StepTaskInit = {
          name,
          fn,
          policy,
          attempt,
          base,
          lastProgress,
          resolve: resolve as (value: never) => void,
          reject,
        };
        if (stored?.status === 'w') this.waitForRetry(init, stored.moment);
        else this.begin(init);
      };
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
      this.ledger.commit(recordOf(task, 0, 'r', ''));
    }
  }

  private replay<T>(name: string, stored: StoredStep, resolve: (value: T) => void, reject: (error: unknown) => void): void {
    this.ledger.deliver(stored.order, () => {
      if (stored.status === 's') {
        resolve(decodePayload(stored.payload) as T);
        return;
      }
      const error = fromStoredError(decodePayload(stored.payload) as StoredError);
      const { order, attempt, base, payload } = stored;
      this.ledger.failures.replayed(error, { name, kind: 'r', order, attempt, base, elapsedMs: 0, payload });
      reject(error);
    });
  }

  private begin(init: StepTaskInit): void {
    this.ledger.whenCommitted(() => {
      const task = new StepTask(init, this);
      this.active.add(task);
      this.ledger.entered();
      task.execute();
    });
  }

  succeeded(task: StepTask, value: unknown): void {
    const { name, resolve } = task.init;
    let payload: string;
    try {
      payload = encodePayload(value, () => `output of step "${name}" of run "${this.ledger.runId}"`, this.maxPayloadBytes);
    } catch (error) {
      this.failed(task, error);
      return;
    }
    const order = this.ledger.nextOrder();
    this.ledger.commit(recordOf(task, order, 's', payload));
    // A sibling in flight may need what the handler does with this one.
    if (ALWAYS_PARK && this.active.size === 1) this.ledger.heldBack = true;
    else this.ledger.deliver(order, () => resolve((isUnchanged(value) ? value : decodePayload(payload)) as never));
    this.settled(task);
  }

  failed(task: StepTask, error: unknown): void {
    let failure = error;
    try {
      const delayMs = this.retryDelayOf(task, error);
      if (delayMs !== undefined) {
        this.waitForRetry({ ...task.init, attempt: task.attempt + 1 });
        this.settled(task);
        const payload = encodeError(error);
        this.ledger.register(task.init.name, { ...recordOf(task, 0, 'w', payload), wait: { delayMs } });
        return;
      }
    } catch (policyError) {
      failure = policyError;
    }
    const order = this.ledger.nextOrder();
    const announce = this.ledger.failures.add(failure, recordOf(task, order, 'f', encodeError(failure)));
    this.ledger.deliver(order, () => {
      announce();
      task.init.reject(failure);
    });
    this.settled(task);
  }

  private retryDelayOf(task: StepTask, error: unknown): number | undefined {
    const { retry } = task.init.policy;
    const failures = task.attempt - task.init.base;
    if (!retry || failures >= retry.maxAttempts || isNeverRetried(error)) return undefined;
    const verdict = retry.decide(this.ledger.host.failureOf(asError(error)), failures);
    return verdict.retry ? verdict.delayMs : undefined;
  }

  private waitForRetry(init: StepTaskInit, wakeAt?: number): void {
    const { name } = init;
    this.ledger.wait({ name, wakeAt, fire: () => this.begin({ ...init, lastProgress: this.ledger.data.progress.get(name) }) });
  }

  private settled(task: StepTask): void {
    this.active.delete(task);
    this.ledger.left();
  }
}

/** Values that are the same after the JSON round trip. Minus zero is not. */
function isUnchanged(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (Number.isInteger(value) && value !== 0);
}

function policyOf(name: string, options: StepOptions): StepPolicy {
  rejectUnknownKeys(options, STEP_OPTIONS, `step "${name}"`);
  const { timeout, maxAttempts, retries } = options;
  const retried = maxAttempts !== undefined || retries !== undefined;
  return {
    timeoutMs: timeout === undefined ? undefined : parsePositiveDuration(timeout, 'timeout'),
    retry: retried ? resolveRetryPolicy({ maxAttempts, retries }, 1, `step "${name}"`) : undefined,
  };
}

function recordOf(task: StepTask, order: number, status: StepWrite['status'], payload: string): StepWrite {
  const { name, attempt, base } = task.init;
  return { name, kind: 'r', status, order, attempt, base, elapsedMs: task.elapsedMs, payload };
}
