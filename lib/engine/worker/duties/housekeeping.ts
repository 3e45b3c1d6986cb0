import { FaultLog } from '../../core/async/fault-log.js';
import { Periodic } from '../../core/async/periodic.js';
import { continueCancel } from '../../redis/cancellation/continue-cancel.js';
import { within } from '../../redis/connection/deadline.js';
import { continueEvent } from '../../redis/events/continue-event.js';
import { sweepQueues } from '../../redis/queues/sweep-queues.js';
import { forgetUnserved } from '../../redis/registry/forget-unserved.js';
import { settleDeclarations } from '../../redis/registry/settle-declarations.js';
import { offerBlocked } from '../../redis/replay/offer-blocked.js';
import { PACK_BATCH, packRuns } from '../../redis/retention/pack-runs.js';
import { sweepEvents } from '../../redis/retention/sweep-events.js';
import { SWEEP_BATCH, sweepHistory } from '../../redis/retention/sweep-history.js';
import type { Op } from '../../redis/script/op.js';
import { continueEnd } from '../../redis/waits/continue-end.js';
import { reapWorkers } from '../../redis/workers/reap-workers.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';
import type { OwnedRuns } from './owned-runs.js';
import { Watchdog } from './watchdog.js';

/** All workers together pack about 1,000 ended runs a second: under more load the others wait until it is over. */
const PACK_EVERY_MS = 1_000;
const PACK_CALLS = 100;

/** Steps that run longer are shown as running. */
const MARK_RUNNING_AFTER_MS = 1_000;

/** Workflows for which one call decides whose declaration holds. */
const DECIDED_AT_ONCE = 20;

/** What housekeeping asks its worker, and tells it. */
export interface HousekeepingCallbacks {
  /** Writes what Redis has lost of the worker's declarations. */
  restoreRegistry(): Promise<void>;
  /** Runs of a dead worker were queued again. */
  reaped(runs: number): void;
}

/** What every worker does for the namespace from time to time; nobody is leader, and doing it twice is harmless. */
export class Housekeeping {
  private readonly rounds: Periodic[] = [];
  private watchdog: Watchdog | undefined;
  private stopped = false;

  constructor(
    private readonly context: Pick<WorkerContext, 'options' | 'buffer' | 'retentionMs' | 'warn'>,
    private readonly passes: ReadonlySet<Pass>,
    private readonly owned: OwnedRuns,
    private readonly callbacks: HousekeepingCallbacks,
  ) {}

  get stalledRunIds(): readonly string[] {
    return this.watchdog?.stalledRunIds ?? [];
  }

  start(): void {
    const { reaperIntervalMs, historyCleanupIntervalMs, registryRecoveryIntervalMs, watchdog } = this.context.options;
    this.every(reaperIntervalMs, 'Looking for dead workers', () => this.reap());
    this.every(reaperIntervalMs, 'Going on with events', () => this.goOn(continueEvent));
    this.every(reaperIntervalMs, 'Going on with cancellations', () => this.goOn(continueCancel));
    this.every(reaperIntervalMs, 'Going on with ends of runs', () => this.goOn(continueEnd));
    this.every(PACK_EVERY_MS, 'Packing ended runs', () => this.pack());
    this.every(historyCleanupIntervalMs, 'Deleting old runs', () => this.sweep(sweepHistory));
    this.every(historyCleanupIntervalMs, 'Deleting old events', () => this.sweep(sweepEvents));
    this.every(historyCleanupIntervalMs, 'Forgetting unused queues', () => this.sweepQueues());
    this.every(historyCleanupIntervalMs, 'Forgetting workflows that nobody serves', () => this.forget());
    this.every(registryRecoveryIntervalMs, 'Registering workflows', () => this.callbacks.restoreRegistry());
    this.every(MARK_RUNNING_AFTER_MS, 'Marking running steps', async () => this.markRunning());
    if (watchdog.enabled) this.watchdog = new Watchdog(this.context, this.passes, this.owned);
  }

  /** Resolves when nothing of it is under way; at the latest after a while: declaring schedules again asks the codec, which may hang. */
  async stop(limitMs: number): Promise<void> {
    this.stopped = true;
    const rounds = Promise.all([...this.rounds.map((round) => round.stop()), this.watchdog?.stop()]);
    await within(limitMs, 'Housekeeping', rounds).catch(() => undefined);
  }

  private every(intervalMs: number, name: string, task: () => Promise<unknown>): void {
    const faults = new FaultLog(name, this.context.warn);
    this.rounds.push(new Periodic(intervalMs, task, faults));
  }

  private async reap(): Promise<void> {
    for (;;) {
      const { runs, more } = await this.context.buffer.add(reapWorkers(this.context.options.reaperBatchSize));
      if (runs > 0) this.callbacks.reaped(runs);
      if (!more) break;
      if (this.stopped) return;
    }
    await this.goOn(() => settleDeclarations(DECIDED_AT_ONCE));
    // One batch a round: what departs again holds a slot for the time of grace.
    await this.context.buffer.add(offerBlocked());
  }

  /** Workflows that nobody has served for so long, and pauses of schedules that are gone. */
  private async forget(): Promise<void> {
    for (let cursor = '0', isMore = true; isMore && !this.stopped; ) {
      const { workflow, cursor: next, more } = await this.context.buffer.add(forgetUnserved(cursor));
      if (workflow !== undefined) this.context.warn(forgotten(workflow), { workflow });
      cursor = next;
      isMore = more;
    }
  }

  private async pack(): Promise<void> {
    for (let calls = 0; calls < PACK_CALLS && !this.stopped; calls++) {
      const pauseMs = calls === 0 ? PACK_EVERY_MS : 0;
      if (!(await this.context.buffer.add(packRuns(PACK_BATCH, pauseMs)))) return;
    }
  }

  private async sweep(batch: typeof sweepHistory): Promise<void> {
    for (;;) {
      const { more } = await this.context.buffer.add(batch(this.context.retentionMs, SWEEP_BATCH));
      if (!more || this.stopped) return;
    }
  }

  private async sweepQueues(): Promise<void> {
    let cursor = 0;
    do cursor = await this.context.buffer.add(sweepQueues(cursor));
    while (cursor !== 0 && !this.stopped);
  }

  /** Until an event has reached everybody; what a crash leaves over is found by the next round. */
  goOnWith(eventId: string): void {
    const failed = (error: unknown) =>
      this.context.warn(`Going on with event "${eventId}" failed: ${(error as Error).message}`, { eventId });
    const goOn = (more: boolean): void => {
      if (more && !this.stopped) this.context.buffer.send(continueEvent(eventId), goOn, failed);
    };
    goOn(true);
  }

  private async goOn(some: () => Op<boolean>): Promise<void> {
    while ((await this.context.buffer.add(some())) && !this.stopped);
  }

  private markRunning(): void {
    for (const { steps } of this.passes) steps.functions.markRunning(MARK_RUNNING_AFTER_MS);
  }
}

function forgotten(workflow: string): string {
  return (
    `Workflow "${workflow}" was forgotten: nobody has served it for the \`forgetAfter\` of its workers. Its subscriptions, schedules, pauses ` +
    'and limits are gone; its runs are kept.'
  );
}
