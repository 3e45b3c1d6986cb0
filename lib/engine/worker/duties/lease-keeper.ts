import { FaultLog, pauseAfter } from '../../core/async/fault-log.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { Periodic } from '../../core/async/periodic.js';
import { type Membership, registerWorker } from '../../redis/workers/register-worker.js';
import { FIRST_PAGE, renewLease } from '../../redis/workers/renew-lease.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';
import type { OwnedPage } from './owned-runs.js';

/** What the lease asks its worker, and tells it. */
export interface LeaseCallbacks {
  isStopping(): boolean;
  stalledRunIds(): readonly string[];
  /** A heartbeat has listed some of the runs that the worker owns. */
  listed(page: OwnedPage): void;
  /** After each heartbeat. */
  renewed(): void;
  /** A new lease has begun in place of one that was lost. */
  replaced(): void;
}

/** Keeps the worker's lease with one heartbeat for all its runs, and says when it is in doubt. */
export class LeaseKeeper {
  private renewedAt = performance.now();
  private heartbeat: Periodic | undefined;
  private confirmation: Promise<void> | undefined;
  private recovering: Promise<void> | undefined;
  private stopped = false;
  /** Stamp of the deployment at the first registration: losing a lease does not make it younger. */
  private since = '';
  private readonly faults: FaultLog;
  private readonly rests = new Map<LongTimer, () => void>();

  constructor(
    private readonly context: Pick<WorkerContext, 'workerId' | 'options' | 'buffer' | 'clock' | 'warn'>,
    private readonly membership: Membership,
    private readonly passes: ReadonlySet<Pass>,
    private readonly callbacks: LeaseCallbacks,
  ) {
    this.faults = new FaultLog('Renewing the lease', context.warn);
  }

  /** Registers the worker and begins to renew. */
  async start(): Promise<void> {
    await this.register();
    this.heartbeat = new Periodic(this.context.options.leaseMs / 3, () => this.renew(), this.faults);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const [timer, wake] of this.rests) {
      timer.cancel();
      wake();
    }
    await this.heartbeat?.stop();
  }

  /**
   * Undefined while the lease is certain; else resolves once Redis has confirmed or replaced it, however often that is refused. Never
   * resolves once the worker has stopped: nothing may begin then.
   */
  confirmed(): Promise<void> | undefined {
    if (this.isCertain) return undefined;
    this.confirmation ??= this.confirm();
    return this.confirmation;
  }

  /** Redis said that the lease is gone: gives up all runs and starts a new lease. */
  replace(): Promise<void> {
    this.recovering ??= this.recover().finally(() => {
      this.recovering = undefined;
    });
    return this.recovering;
  }

  private get isCertain(): boolean {
    return performance.now() - this.renewedAt < this.context.options.leaseMs;
  }

  private async confirm(): Promise<void> {
    // An answer that took longer than the lease confirms nothing.
    await this.untilItWorks(
      async () => void (await this.beat(FIRST_PAGE)),
      () => this.isCertain,
    );
    this.confirmation = undefined;
    if (!this.isCertain) await new Promise(() => undefined);
  }

  private async recover(): Promise<void> {
    this.context.warn('The worker lost its lease: it was silent for longer than leaseMs. Its runs are left to others.');
    for (const pass of [...this.passes]) pass.exit.lose();
    let isRegistered = false;
    const register = async () => {
      await this.register();
      isRegistered = true;
    };
    await this.untilItWorks(register, () => isRegistered);
    // Others may have taken what it declares for gone.
    if (isRegistered) this.callbacks.replaced();
  }

  private async register(): Promise<void> {
    const { workerId, options, buffer, clock } = this.context;
    const { membership } = this;
    const { leaseMs, app, queues, concurrency } = options;
    for (;;) {
      const askedAt = performance.now();
      const declared = this.callbacks.isStopping() ? { ...membership, deployment: '' } : membership;
      const registration = { workerId, leaseMs, app, queues, concurrency, ...declared, since: this.since };
      const { status, now, since } = await buffer.add(registerWorker(registration));
      clock.synchronise(now);
      if (status === 'AGAIN') continue;
      this.since = since || this.since;
      this.renewedAt = askedAt;
      return;
    }
  }

  private async renew(): Promise<void> {
    let cursor: string | undefined = FIRST_PAGE;
    do cursor = await this.beat(cursor);
    while (cursor !== undefined && cursor !== FIRST_PAGE && !this.stopped);
    if (cursor !== undefined) this.callbacks.renewed();
  }

  /** @returns the cursor of the next page of owned runs, undefined when the lease was lost */
  private async beat(cursor: string): Promise<string | undefined> {
    const { workerId, options, buffer, clock } = this.context;
    const askedAt = performance.now();
    const running = this.passes.size;
    const stalledRunIds = this.callbacks.stalledRunIds();
    const renewed = await buffer.add(renewLease({ workerId, leaseMs: options.leaseMs, running, stalledRunIds, cursor }));
    clock.synchronise(renewed.now);
    if (renewed.status === 'LOST') {
      await this.replace();
      return undefined;
    }
    this.renewedAt = Math.max(this.renewedAt, askedAt);
    this.callbacks.listed({ owned: renewed.owned, isFirst: cursor === FIRST_PAGE, isLast: renewed.cursor === FIRST_PAGE });
    return renewed.cursor;
  }

  private async untilItWorks(task: () => Promise<void>, isDone: () => boolean): Promise<void> {
    for (let failures = 0; !isDone() && !this.stopped; ) {
      try {
        await task();
        this.faults.succeeded();
      } catch (error) {
        this.faults.failed(error);
        await this.rest(pauseAfter(++failures));
      }
    }
  }

  private rest(ms: number): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((wake) => {
      const timer = new LongTimer(ms, () => {
        this.rests.delete(timer);
        wake();
      });
      this.rests.set(timer, wake);
    });
  }
}
