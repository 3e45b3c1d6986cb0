import { checkStepName } from '../../core/checks/checks.js';
import type { StepCommitted } from '../../redis/steps/commit-step.js';
import { addReopening, type RunData, type StoredStep } from '../../redis/steps/stored-step.js';
import { ReplayWatch } from '../replay/replay-watch.js';
import { ALWAYS_PARK } from './always-park.js';
import { DeliveryQueue } from './delivery-queue.js';
import { PassActivity } from './pass-activity.js';
import type { StepWrite } from './pass-journal.js';
import { StepFailures } from './step-failures.js';
import type { StepHost } from './step-host.js';
import { StepNames } from './step-names.js';
import { UndoableSteps } from './undoable-steps.js';
import { type Wait, WaitSet } from './wait-set.js';

/** How a step begins: handed what is stored of it, once the name is known to be free. */
export type Opening<T> = (
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
) => (stored: StoredStep | undefined) => void;

/**
 * The steps of one pass by name: what is stored, which names were used, and in which order outcomes reach the handler. The kinds of
 * steps are built on top of it.
 */
export class StepLedger {
  readonly failures: StepFailures;
  readonly waits: WaitSet;
  readonly activity: PassActivity;
  readonly undoables: UndoableSteps;
  readonly watch: ReplayWatch;
  readonly names: StepNames;
  private readonly deliveries: DeliveryQueue;
  private order = 0;
  private isClosed = false;
  private haltedBy: Error | undefined;
  private refused = false;
  private onRefused: (() => void) | undefined;

  constructor(
    readonly host: StepHost,
    readonly data: RunData,
  ) {
    this.failures = new StepFailures(
      (step) => this.commit(step),
      (steps) => this.reopened(steps),
    );
    this.undoables = new UndoableSteps(data);
    this.waits = new WaitSet(host.worker.clock, (wait) => this.due(wait));
    // Places go on behind the last point of no return, too.
    this.order = data.point?.order ?? 0;
    const orders: number[] = [];
    for (const { order } of data.steps.values()) {
      if (order > 0) orders.push(order);
      if (order > this.order) this.order = order;
    }
    this.deliveries = new DeliveryQueue(host.worker.turns, orders, () => this.activity.changed());
    this.names = new StepNames(this, host);
    this.watch = new ReplayWatch(this, host);
    this.activity = new PassActivity({
      isWaiting: () => this.waits.size > 0 && !this.watch.isHolding,
      isClosed: () => this.isClosed,
      isDelivered: () => this.deliveries.empty,
      changed: () => this.watch.look(),
      quiet: () => this.quiet(),
    });
  }

  /** As messages name the run: a failure hook acts in the name of the one that has failed. */
  get runId(): string {
    return this.host.context.run.id;
  }

  /** What children and events of steps are made from: a hook may have a step of the same name as its run, and their effects are two. */
  get executedRunId(): string {
    return this.host.journal.runId;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** No step of this pass begins any more; calls to come never settle. */
  close(): void {
    this.isClosed = true;
    this.watch.clear();
    this.waits.clear();
  }

  /** The handler was told that it is halted. */
  get hasRefused(): boolean {
    return this.refused;
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
    this.watch.refuse(error);
    this.waits.abandonAll(error);
  }

  throwIfHalted(): void {
    if (!this.haltedBy) return;
    this.refused = true;
    this.onRefused?.();
    this.onRefused = undefined;
    throw this.haltedBy;
  }

  /** A park found a wait already due: the pass goes on. */
  resume(now: number): void {
    this.activity.resumed();
    this.waits.resume(now);
    this.activity.changed();
  }

  /** Waits that are due by a clock that was moved end; those of a pass that parks are the script's to decide. */
  clockMoved(now: number): void {
    if (this.activity.isParking) return;
    this.waits.pause();
    this.waits.resume(now);
  }

  /**
   * Opens a step: checks its name, hands over a stored outcome, or lets `opening` begin it.
   * @param met called once the name is known to be free, also where the step may not begin any more
   * @param isOwnName whether the engine has made the name
   */
  open<T>(name: string, kind: string, opening: Opening<T>, met?: () => void, isOwnName = false): Promise<T> {
    if (this.isClosed) return new Promise(() => undefined);
    if (this.host.isLeaving) {
      this.leaveToNextPass();
      return new Promise(() => undefined);
    }
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
      if (!isOwnName) checkStepName(name);
      this.names.take(name, kind);
      met?.();
      const stored = this.data.steps.get(name);
      if (!stored || stored.order === 0) this.throwIfHalted();
      if (!stored && this.watch.mustHold) this.watch.hold(name, () => begin(undefined), reject);
      else begin(stored);
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
    if (ALWAYS_PARK && this.activity.inFlight === ownFunctions && !this.isHalted) this.activity.isHoldingBack = true;
    else this.deliver(order, hand);
  }

  /** The handler waits for something that this pass will not do: it is dropped when nothing else is going on. */
  leaveToNextPass(): void {
    this.activity.isHoldingBack = true;
    this.activity.changed();
  }

  commit(step: StepWrite, done?: (committed: StepCommitted) => void): void {
    this.host.journal.commitStep(this.undoables.recorded(step), this.names.askedFor(step.name), done);
  }

  /**
   * Begins something durable once all that the handler was given is committed. The handler went on, so what it caught is history.
   * @param dropped called in place of `begin` when the pass begins nothing any more
   */
  whenCommitted(begin: () => void, refused: (error: unknown) => void, dropped?: () => void): void {
    this.activity.held();
    this.failures.memoise();
    const start = (): void => {
      this.activity.begun();
      if (this.isClosed || this.host.isLeaving) dropped?.();
      if (this.isClosed) return;
      if (this.host.isLeaving) this.leaveToNextPass();
      else if (this.haltedBy) refused(this.haltedBy);
      else begin();
    };
    this.host.journal.whenSettled(() => {
      const leased = this.host.worker.leaseConfirmed();
      if (leased) void leased.then(start);
      else start();
    });
  }

  /** As {@link whenCommitted}, for a beginning that takes calls of its own: the pass does not park meanwhile. */
  begin(start: () => Promise<void>, failed: (error: unknown) => void | Promise<void>): void {
    this.whenCommitted(() => {
      this.activity.held();
      start()
        .catch(failed)
        .finally(() => this.activity.released());
    }, failed);
  }

  wait(wait: Wait): void {
    if (this.haltedBy) {
      wait.abandon(this.haltedBy);
      return;
    }
    this.waits.add(wait);
    this.activity.changed();
  }

  /** The wait has ended from outside. */
  ended(name: string): void {
    this.waits.remove(name);
  }

  /** Stores a wait and learns its deadline from the Redis clock. The check for quiet goes first: then the park rides along. */
  register(name: string, record: StepWrite): void {
    this.activity.changed();
    this.commit(record, ({ moment }) => {
      if (moment !== undefined) this.waits.schedule(name, moment);
    });
  }

  get delivered(): number {
    return this.deliveries.made;
  }

  isAsked(step: string): boolean {
    return this.names.has(step);
  }

  isDrained(): boolean {
    return this.deliveries.empty;
  }

  /** What the handler has asked for since it got these failures may not be asked for again: they may not happen the next time. */
  private reopened(steps: readonly string[]): void {
    const asked = steps.map((step) => this.names.askedFor(step) ?? -1);
    const reopening = { order: this.order, delivered: Math.min(...asked) + 1 };
    this.host.journal.noteReplay('ro', addReopening(this.data.reopenings, reopening));
  }

  private due(wait: Wait): void {
    if (this.isClosed) return;
    wait.fire(this.host.worker.clock.now());
    this.activity.changed();
  }

  private quiet(): void {
    // From here on the script decides which wait is over: a local timer may not end one in a pass that parks.
    this.failures.memoise();
    this.waits.pause();
    if (this.activity.isHoldingBack) this.host.yield();
    else this.host.quiet(this.waits.names());
  }
}
