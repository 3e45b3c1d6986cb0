import type { Worker } from '../core/api/worker.types.js';
import { checkTimeout, rejectUnknownKeys } from '../core/checks/checks.js';
import type { ResolvedClientOptions } from '../options/resolve-client-options.js';
import type { ResolvedWorkerOptions } from '../options/resolve-worker-options.js';
import { adviseOnServer } from '../redis/connection/server-advice.js';
import type { ClaimedRun, HandedOut } from '../redis/runs/claim-runs.js';
import type { RunData } from '../redis/steps/stored-step.js';
import { ClaimLoop } from './duties/claim-loop.js';
import { Housekeeping } from './duties/housekeeping.js';
import { LeaseKeeper } from './duties/lease-keeper.js';
import { OwnedRuns } from './duties/owned-runs.js';
import { Registrar } from './duties/registrar.js';
import { RunHints } from './duties/run-hints.js';
import { RunIntake } from './duties/run-intake.js';
import { Scheduler } from './duties/scheduler.js';
import { ServedWorkflows } from './duties/served-workflows.js';
import { WakeListener } from './duties/wake-listener.js';
import { WorkerExit } from './duties/worker-exit.js';
import { HandBacks } from './pass/hand-backs.js';
import { Pass } from './pass/pass.js';
import type { PassHost, ServedWorkflow } from './pass/pass-host.js';
import { DepartureLog } from './replay/departure-log.js';
import type { StepHost } from './steps/step-host.js';
import { type WorkerContext, workerContextOf } from './worker-context.js';
import type { ResolvedWorkerInternals } from './worker-internals.js';

/** How long a stop goes on trying to reach a Redis that is away, in all; the lease ends by itself then. */
const STOP_GIVES_UP_AFTER_MS = 5_000;

/** Claims runs and executes passes; owns every timer and connection of a worker. */
export class RunWorker implements Worker {
  readonly id: string;
  private readonly context: WorkerContext;
  private readonly active = new Set<Pass>();
  private readonly registrar: Registrar;
  private readonly scheduler: Scheduler;
  private readonly lease: LeaseKeeper;
  private readonly claims: ClaimLoop;
  private readonly wake: WakeListener;
  private readonly handBacks: HandBacks;
  /** What passes get of this worker. */
  private readonly passHost: PassHost;
  private readonly intake: RunIntake;
  private readonly owned: OwnedRuns;
  private readonly housekeeping: Housekeeping;
  private readonly hints: RunHints;
  private readonly exit: WorkerExit;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly client: ResolvedClientOptions,
    private readonly options: ResolvedWorkerOptions,
    private readonly workflows: ServedWorkflows,
    private readonly known: ResolvedWorkerInternals,
  ) {
    const context = workerContextOf(client, options, known, () => this.claims.rideAlong());
    const { connection, keys } = context;
    this.context = context;
    this.id = context.workerId;
    this.handBacks = new HandBacks(context);
    this.hints = new RunHints(context, this.active);
    this.exit = new WorkerExit(context, this.active);
    this.scheduler = new Scheduler(context);
    this.registrar = new Registrar(context, workflows, (schedules) => this.scheduler.adopt(schedules));
    this.intake = new RunIntake(context, workflows, this.handBacks, {
      isStopping: () => this.isStopping,
      execute: (claimed, data, workflow, now) => this.execute(claimed, data, workflow, now),
    });
    this.claims = new ClaimLoop(context, {
      freeSlots: () => this.freeSlots(),
      suspectGroups: () => this.suspectGroups(),
      claimed: (claim) => this.claimed(claim),
      leaseLost: () => this.replaceLease(),
    });
    this.owned = new OwnedRuns(context, {
      passes: this.active,
      intake: this.intake,
      handBacks: this.handBacks,
      claims: this.claims,
    });
    this.housekeeping = new Housekeeping(context, this.active, this.owned, {
      restoreRegistry: () => this.registrar.restore(),
      reaped: (runs) => this.reaped(runs),
    });
    this.lease = new LeaseKeeper(context, this.registrar.membership, this.active, {
      isStopping: () => this.isStopping,
      stalledRunIds: () => this.housekeeping.stalledRunIds,
      listed: (page) => this.owned.look(page),
      renewed: () => this.hints.look(),
      replaced: () => this.registrar.restoreSoon(),
    });
    this.passHost = Object.freeze({
      ...context,
      maxRecoveries: options.maxRecoveries,
      cancelGraceMs: options.cancelGraceMs,
      handBacks: this.handBacks,
      departures: new DepartureLog(options.deployment),
      leaseConfirmed: () => this.lease.confirmed(),
      goOnWith: (eventId: string) => this.housekeeping.goOnWith(eventId),
      ended: (pass: StepHost) => this.ended(pass as Pass),
    });
    this.wake = new WakeListener(connection, keys.wake(this.id), options.blockTimeoutMs, (message) => this.woken(message));
  }

  start(): Promise<void> {
    this.starting = this.boot().finally(() => {
      this.starting = undefined;
    });
    return this.starting;
  }

  private async boot(): Promise<void> {
    // A worker never gives up, but one that has not begun does: all that a start asks of Redis shares this time.
    this.context.connection.hurry(this.client.connectTimeoutMs);
    try {
      const info = await this.context.connection.reach();
      await adviseOnServer(this.context.connection, info, this.client.logger);
      await this.scheduler.prepare(this.workflows.current);
      await this.lease.start();
      await this.registrar.deploy();
    } catch (error) {
      await this.lease.stop();
      await this.context.connection.close();
      throw error;
    }
    if (this.stopping) return;
    this.context.connection.takeTime();
    this.wake.start();
    this.housekeeping.start();
    this.claims.nudge();
  }

  async stop(options: { timeoutMs?: number } = {}): Promise<void> {
    rejectUnknownKeys(options, ['timeoutMs'], 'stop()');
    const { timeoutMs = this.options.shutdownTimeoutMs } = options;
    checkTimeout(timeoutMs, 'timeoutMs');
    this.stopping ??= this.starting ? this.stopStart(this.starting, timeoutMs) : this.shutDown(timeoutMs);
    await this.stopping;
  }

  /** What a start is waiting for is tried no more; one that needs no second try is stopped as a worker. */
  private async stopStart(starting: Promise<void>, timeoutMs: number): Promise<void> {
    this.context.connection.hurry(0);
    const hasStarted = await starting.then(
      () => true,
      () => false,
    );
    if (hasStarted) await this.shutDown(timeoutMs);
  }

  private freeSlots(): number {
    return this.options.concurrency - this.active.size - this.intake.size;
  }

  private suspectGroups(): readonly number[] {
    const held = [...this.intake.loading(), ...[...this.active].map(({ claimed }) => claimed)];
    return held.map(({ suspectGroup }) => suspectGroup).filter((group) => group > 0);
  }

  passes(): Iterable<Pass> {
    return this.active;
  }

  private claimed(claim: HandedOut): void {
    this.context.clock.synchronise(claim.now);
    this.scheduler.check();
    this.intake.takeAll(claim);
  }

  private get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  private reaped(runs: number): void {
    this.context.warn(`${runs} runs of a worker that stopped renewing its lease were queued again.`);
    this.claims.nudge();
  }

  private replaceLease(): void {
    void this.lease.replace().then(() => this.claims.nudge());
  }

  private ended(pass: Pass): void {
    this.active.delete(pass);
    // A freed slot is filled by the call that leaves now anyway. Suspects wait for the end of others.
    if (pass.claimed.suspectGroup > 0) this.claims.nudge();
    else this.context.buffer.kick();
    this.exit.passEnded();
  }

  /** Something came for a run in execution (`run:<id>`), or may have come for any, or there is work. */
  private woken(message: string | undefined): void {
    if (message?.startsWith('run:')) {
      this.hints.hinted(message.slice(4));
      return;
    }
    if (message === 'declare') this.registrar.restoreSoon();
    for (const { steps } of this.active) steps.remote.look();
    // A cancellation always sends a hint: only a lost one has to be looked for.
    if (message === undefined) this.hints.look();
    this.claims.nudge();
  }

  private execute(claimed: ClaimedRun, data: RunData, workflow: ServedWorkflow, now: number): void {
    const pass = new Pass(claimed, data, workflow, this.passHost);
    if (this.known.stepsOf) pass.context.step = this.known.stepsOf(pass);
    this.active.add(pass);
    pass.start(now);
    this.hints.begun(pass);
  }

  /** For tests: stops dead, as a killed process does. Functions of steps are told by their signal, but can not be ended. */
  async crash(): Promise<void> {
    this.stopping ??= Promise.resolve();
    this.context.buffer.abandon();
    this.handBacks.finish();
    this.claims.stop();
    this.scheduler.stop();
    for (const pass of [...this.active]) pass.exit.lose();
    // What of it is under way waits for an answer for ever.
    void this.housekeeping.stop(0);
    void this.lease.stop();
    await Promise.all([this.wake.stop(), this.context.connection.close()]);
  }

  /** For tests: the clock of the namespace was moved. */
  clockMoved(now: number): void {
    this.claimed({ status: 'OK', now, runs: [], unreadable: [] });
    this.claims.nudge();
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    this.claims.stop();
    this.scheduler.stop();
    this.exit.retire();
    await this.exit.drained(timeoutMs);
    this.context.connection.hurry(STOP_GIVES_UP_AFTER_MS);
    await this.intake.idle(STOP_GIVES_UP_AFTER_MS);
    await this.exit.settled();
    this.handBacks.finish();
    await this.wake.stop();
    await Promise.all([this.housekeeping.stop(STOP_GIVES_UP_AFTER_MS), this.lease.stop()]);
    await this.context.buffer.idle();
    await this.exit.signOff();
    await this.context.connection.close();
  }
}
