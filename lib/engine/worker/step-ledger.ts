import { checkStepName } from '../core/checks.js';
import { DuplicateStepError, StepMismatchError } from '../core/errors/index.js';
import { STEP_KINDS } from '../redis/keyspace.js';
import type { RunData, StoredStep } from '../redis/stored-step.js';
import { ALWAYS_PARK } from './always-park.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { StepWrite } from './pass-journal.js';
import { StepFailures } from './step-failures.js';
import type { StepHost } from './step-host.js';
import { type Wait, WaitSet } from './wait-set.js';

/** Begins the names of steps that undo others. */
export const COMPENSATE = 'compensate:';

/** How a step begins: handed what is stored of it, once the name is known to be free. */
export type Opening<T> = (
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
) => (stored: StoredStep | undefined) => void;

/**
 * The steps of one pass by name: what is stored, which names were used, in which order outcomes reach the handler, and whether
 * anything is left but waiting. The kinds of steps are built on top of it.
 */
export class StepLedger {
  readonly failures: StepFailures;
  readonly waits: WaitSet;
  /** When a step last began or ended, on the monotonic clock. */
  lastProgressAt = performance.now();
  /** The outcome of a step was not handed over: the pass is dropped as soon as nothing else is going on. */
  private heldBack = false;
  private readonly used = new Set<string>();
  private readonly deliveries: DeliveryQueue;
  private order = 0;
  private opening = 0;
  private inFlight = 0;
  private quietCheckArmed = false;
  private isClosed = false;
  private haltedBy: Error | undefined;
  private onRefused: (() => void) | undefined;
  /** A completed step has a compensation that no point of no return keeps. */
  compensable = false;
  private parking = false;
  private onSiblingsSettled: (() => void) | undefined;

  constructor(
    readonly host: StepHost,
    readonly data: RunData,
  ) {
    this.failures = new StepFailures((step) => this.commit(step));
    this.waits = new WaitSet(host.worker.clock, (wait) => this.due(wait));
    // Places go on behind the last point of no return, too.
    this.order = data.point?.order ?? 0;
    const orders: number[] = [];
    for (const { order } of data.steps.values()) {
      if (order > 0) orders.push(order);
      if (order > this.order) this.order = order;
    }
    this.deliveries = new DeliveryQueue(host.worker.turns, orders, () => this.changed());
  }

  get runId(): string {
    return this.host.context.run.id;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** No step of this pass begins any more; calls to come never settle. */
  close(): void {
    this.isClosed = true;
    this.waits.clear();
  }

  get isHalted(): boolean {
    return this.haltedBy !== undefined;
  }

  /**
   * No further step begins: what is not completed, and every open wait, rejects with the error. Completed steps replay as ever, and
   * functions in flight settle and are stored.
   * @param onRefused called before the first step is refused
   */
  halt(error: Error, onRefused?: () => void): void {
    if (this.haltedBy || this.isClosed) return;
    this.haltedBy = error;
    this.onRefused = onRefused;
    this.waits.abandonAll(error);
  }

  throwIfHalted(): void {
    if (!this.haltedBy) return;
    this.onRefused?.();
    this.onRefused = undefined;
    throw this.haltedBy;
  }

  /** Resolves when no step function is in flight; their outcomes have been handed to the journal then. */
  siblingsSettled(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onSiblingsSettled = resolve;
    });
  }

  /** A park found a wait already due: the pass goes on. */
  resume(now: number): void {
    this.parking = false;
    this.waits.resume(now);
    this.changed();
  }

  /** Waits that are due by a clock that was moved end; those of a pass that parks are the script's to decide. */
  clockMoved(now: number): void {
    if (this.parking) return;
    this.waits.pause();
    this.waits.resume(now);
  }

  /** Opens a step: checks its name, hands over a stored outcome, or lets `opening` begin it. */
  open<T>(name: string, kind: string, opening: Opening<T>): Promise<T> {
    if (this.isClosed) return new Promise(() => undefined);
    let resolve!: (value: T) => void;
    let fail!: (error: unknown) => void;
    const promise = new Promise<T>((onValue, onError) => {
      resolve = onValue;
      fail = onError;
    });
    const reject = (error: unknown): void => {
      // A rejection that nobody awaits is in the step's record; it must not end the process.
      promise.catch(() => undefined);
      fail(error);
    };
    try {
      const begin = opening(resolve, reject);
      this.use(name, kind);
      const stored = this.data.steps.get(name);
      if (!stored || stored.order === 0) this.throwIfHalted();
      begin(stored);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  nextOrder(): number {
    return ++this.order;
  }

  /** The order of a step that has completed before the handler asks for it, as one that is replayed. */
  nextStoredOrder(): number {
    const order = this.nextOrder();
    this.deliveries.expect(order);
    return order;
  }

  /** Hands an outcome to the handler in its turn. */
  deliver(order: number, hand: () => void): void {
    this.deliveries.offer(order, hand);
  }

  /**
   * Hands over the outcome of a step that has just completed; with {@link ALWAYS_PARK} the next pass does, from the record.
   * @param ownFunctions how many of the functions in flight are the step's own
   */
  deliverNew(order: number, hand: () => void, ownFunctions = 0): void {
    // A sibling in flight may need what the handler does with this one, and a canceled handler is to settle.
    if (ALWAYS_PARK && this.inFlight === ownFunctions && !this.isHalted) this.heldBack = true;
    else this.deliver(order, hand);
  }

  commit(step: StepWrite): void {
    this.host.journal.commitStep(step);
  }

  /** Begins something durable once all that the handler was given is committed. The handler went on, so what it caught is history. */
  whenCommitted(begin: () => void, refused: (error: unknown) => void): void {
    this.opening++;
    this.failures.memoise();
    const start = (): void => {
      this.opening--;
      if (this.isClosed) return;
      if (this.haltedBy) refused(this.haltedBy);
      else begin();
    };
    this.host.journal.whenSettled(() => {
      const leased = this.host.worker.leaseConfirmed();
      // Refused only while the worker stops without Redis: then nothing may start.
      if (leased) leased.then(start, () => undefined);
      else start();
    });
  }

  /** As {@link whenCommitted}, for a beginning that takes calls of its own: the pass does not park meanwhile. */
  begin(start: () => Promise<void>, failed: (error: unknown) => void): void {
    this.whenCommitted(() => {
      this.held();
      start()
        .catch(failed)
        .finally(() => this.released());
    }, failed);
  }

  /** Something durable is being begun. */
  get isOpening(): boolean {
    return this.opening > 0;
  }

  /** Something durable is under way that is neither a function nor a wait: the pass does not park before it is {@link released}. */
  held(): void {
    this.opening++;
  }

  released(): void {
    this.opening--;
    this.changed();
  }

  /** A step function is running. */
  entered(): void {
    this.inFlight++;
    this.lastProgressAt = performance.now();
  }

  /** A step function has settled, and its outcome is with the journal. */
  left(): void {
    this.inFlight--;
    this.lastProgressAt = performance.now();
    if (this.inFlight === 0) this.onSiblingsSettled?.();
    this.changed();
  }

  wait(wait: Wait): void {
    if (this.haltedBy) {
      wait.abandon(this.haltedBy);
      return;
    }
    this.waits.add(wait);
    this.changed();
  }

  /** The wait has ended from outside. */
  ended(name: string): void {
    this.waits.remove(name);
  }

  /** Stores a wait and learns its deadline from the Redis clock. The check for quiet goes first: then the park rides along. */
  register(name: string, record: StepWrite): void {
    this.changed();
    this.host.journal.commitStep(record, ({ moment }) => {
      if (moment !== undefined) this.waits.schedule(name, moment);
    });
  }

  /** Takes a name. */
  reserve(name: string): void {
    if (this.used.has(name)) throw new DuplicateStepError({ runId: this.runId, step: name });
    this.used.add(name);
  }

  private use(name: string, kind: string): void {
    // The name of a compensation is that of a step and somewhat longer.
    checkStepName(typeof name === 'string' && name.startsWith(COMPENSATE) ? name.slice(COMPENSATE.length) || name : name);
    const { runId } = this;
    this.reserve(name);
    const stored = this.data.steps.get(name);
    if (stored && stored.kind !== kind && !(stored.kind === 'v' && kind === 'r')) {
      throw new StepMismatchError({ runId, step: name, stored: STEP_KINDS[stored.kind], called: STEP_KINDS[kind] });
    }
  }

  private due(wait: Wait): void {
    if (this.isClosed) return;
    wait.fire(this.host.worker.clock.now());
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
      this.failures.memoise();
      this.waits.pause();
      if (this.heldBack) this.host.yield();
      else this.host.quiet(this.waits.names());
    });
  }

  private isQuiet(): boolean {
    if (this.isClosed || this.parking || (this.waits.size === 0 && !this.heldBack)) return false;
    return this.inFlight === 0 && this.opening === 0 && this.deliveries.empty;
  }
}
