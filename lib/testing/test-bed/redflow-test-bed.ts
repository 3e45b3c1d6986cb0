import { setTimeout as delay } from 'node:timers/promises';
import type { Duration, Worker } from '../../engine/index.js';
import {
  type BusyItem,
  crashWorker,
  type NamespaceView,
  parsePositiveDuration,
  rejectUnknownKeys,
  tellWorker,
} from '../../engine/test-bed/index.js';
import { RedflowSetupError } from '../../redflow.errors.js';
import { TestBedBusyError } from './test-bed.error.js';
import type { TestConnection, TestConnections } from './test-connections.js';

const DEFAULT_LIMIT_MS = 10_000;
const POLL_MS = 2;
/** Instants of schedules at which one call of `advance()` stops; each costs a few milliseconds. */
const MOST_TICKS = 1_000;

const NO_CONNECTION =
  'RedflowTestBed has no connection: the application was closed, or RedflowTestingModule.forApp() is imported without a RedflowModule. ' +
  'RedflowTestingModule.forRoot() brings one.';
const NO_WORKER =
  'There is no worker to crash: await init() of the application first, and leave `worker: false` out if it is there.';

/** What workers go through by themselves: not what is in queues that are paused or that none of them serves. */
function goingOn({ workers, busy }: NamespaceView): BusyItem[] {
  return workers === 0 ? [] : busy.filter(({ state }) => state !== 'paused' && state !== 'unserved');
}

/**
 * Moves the time of an application under test, waits for its workers and crashes them; injected from `RedflowTestingModule`. All
 * connections of the application share one time.
 */
export class RedflowTestBed {
  constructor(private readonly connections: TestConnections) {}

  /** Epoch milliseconds of the clock that {@link advance} moves: that of Redis, which goes on by itself too. */
  async now(): Promise<number> {
    return (await this.look())[0].now;
  }

  /**
   * Moves the time on, and resolves when the workers have gone through all that has become due. It stops at every time at which
   * something is due, lets the workers finish with that, and goes on: a run that sleeps a day three times has ended after
   * `advance('3d')`, and every tick of a schedule fires at its instant. After 1,000 ticks it stops for sleeping runs only: schedules
   * then do what their `misfire` says, as after an outage.
   *
   * Time moves only while no run is executed. Leases, idempotency keys and the `timeout` of steps keep to the real time. Without a
   * worker only the clock moves.
   *
   * @param options.beside ids of runs that may be executed meanwhile, because a function of theirs waits for the test or never ends;
   *   those of their waits and timeouts that are due end when the time stops next
   * @throws InvalidOptionError; TestBedBusyError when runs are busy for 10 s of real time at one stop
   */
  async advance(duration: Duration, options: { beside?: readonly string[] | undefined } = {}): Promise<void> {
    rejectUnknownKeys(options, ['beside'], 'advance()');
    const { beside = [] } = options;
    const busyIn = (view: NamespaceView) => goingOn(view).filter(({ id }) => !beside.includes(id));
    // How far the clock is still to be moved: by itself it goes on, too, and what that adds must not shorten the rest.
    let left = parsePositiveDuration(duration, 'duration');
    let ticks = MOST_TICKS;
    let views = await this.settled(busyIn, DEFAULT_LIMIT_MS);
    while (left > 0) {
      const step = Math.min(left, ...views.map((view) => untilNextStop(view, ticks > 0)));
      if (views.some(({ now, nextTick }) => nextTick <= now + step)) ticks--;
      await this.moveClocks(step);
      left -= step;
      views = await this.settled(busyIn, DEFAULT_LIMIT_MS);
    }
  }

  /**
   * Resolves when no run is queued or running. Parked, delayed and blocked runs stay.
   *
   * @param options.timeout real time to wait. Default: 10 s
   * @throws InvalidOptionError; TestBedBusyError, which names what is still busy
   */
  async drain(options: { timeout?: Duration | undefined } = {}): Promise<void> {
    rejectUnknownKeys(options, ['timeout'], 'drain()');
    const limitMs = parsePositiveDuration(options.timeout ?? DEFAULT_LIMIT_MS, 'timeout');
    await this.settled(({ busy }) => busy, limitMs);
  }

  /**
   * Crashes the application's worker as a SIGKILL of its process would, ends its lease, and starts another one; resolves when that
   * one runs. Nothing is handed back, and nothing the dead one still does is stored. Functions of steps can not be ended: their
   * signals abort, and what they return goes nowhere.
   */
  async crashWorker(): Promise<void> {
    const served = this.all().filter(({ orchestrator }) => orchestrator.worker);
    if (served.length === 0) throw new RedflowSetupError(NO_WORKER);
    for (const { orchestrator, namespace } of served) {
      const worker = (await orchestrator.worker) as Worker;
      await crashWorker(worker);
      await namespace.endLease(worker.id);
      await orchestrator.startWorker();
    }
  }

  /**
   * Puts something in place of the steps of a name, in all workflows: a value, an `Error`, or a function, as for `runInline`. For runs
   * that have not come to the step yet.
   *
   * @example
   * bed.overrideStep('Payments.charge', { id: 'ch_1' });
   */
  overrideStep(name: string, outcome: unknown): void {
    this.connections.overrides[name] = outcome;
  }

  /** Goes back to the `stepOverrides` of the module. */
  resetOverrides(): void {
    this.connections.resetOverrides();
  }

  private async settled(busyIn: (view: NamespaceView) => readonly BusyItem[], limitMs: number): Promise<NamespaceView[]> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const views = await this.look();
      const busy = views.flatMap(busyIn);
      if (busy.length === 0) return views;
      if (performance.now() > deadline) throw new TestBedBusyError(limitMs, busy);
      await delay(POLL_MS);
    }
  }

  private async moveClocks(ms: number): Promise<void> {
    for (const { namespace } of this.all()) await namespace.moveClock(ms);
    const views = await this.look();
    for (const [index, { orchestrator }] of this.all().entries()) {
      const worker = await orchestrator.worker;
      if (worker) tellWorker(worker, views[index].now);
    }
  }

  private look(): Promise<NamespaceView[]> {
    return Promise.all(this.all().map(({ namespace }) => namespace.look()));
  }

  private all(): readonly TestConnection[] {
    const { all } = this.connections;
    if (all.length > 0) return all;
    throw new RedflowSetupError(NO_CONNECTION);
  }
}

/** More than 0: what has been due is no stop, but keeps the workers busy. */
function untilNextStop({ now, workers, nextDue, nextTick }: NamespaceView, atTicks: boolean): number {
  if (workers === 0) return Number.POSITIVE_INFINITY;
  return Math.min(nextDue, atTicks ? nextTick : Number.POSITIVE_INFINITY) - now;
}
