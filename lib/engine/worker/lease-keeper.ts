import type { CommitBuffer } from '../redis/commit-buffer.js';
import { registerWorker } from '../redis/register-worker.js';
import { renewLease } from '../redis/renew-lease.js';
import { Periodic } from './periodic.js';
import type { RedisClock } from './redis-clock.js';
import type { ResolvedWorkerOptions } from './resolve-worker-options.js';

export interface LeaseHost {
  readonly workerId: string;
  readonly options: ResolvedWorkerOptions;
  readonly buffer: CommitBuffer;
  readonly clock: RedisClock;
  /** What the worker's code declares, for as long as it lives. */
  readonly declares: readonly string[];
  runningCount(): number;
  stalledRunIds(): readonly string[];
  /** The lease was renewed. */
  renewed(): void;
  /** All runs of this worker belong to others now. */
  loseAll(): void;
  warn(message: string): void;
}

/** Keeps the worker's lease with one heartbeat for all its runs, and says when it is in doubt. */
export class LeaseKeeper {
  private renewedAt = performance.now();
  private heartbeat: Periodic | undefined;
  private confirmation: Promise<void> | undefined;
  private recovering: Promise<void> | undefined;

  constructor(private readonly host: LeaseHost) {}

  /** Registers the worker and begins to renew. */
  async start(): Promise<void> {
    await this.register();
    this.heartbeat = new Periodic(
      this.host.options.leaseMs / 3,
      () => this.renew(),
      (error) => this.host.warn(`The heartbeat failed: ${(error as Error).message}`),
    );
  }

  async stop(): Promise<void> {
    await this.heartbeat?.stop();
  }

  /** Undefined while the lease is certain; else resolves once Redis has confirmed or replaced it. */
  confirmed(): Promise<void> | undefined {
    if (performance.now() - this.renewedAt < this.host.options.leaseMs) return undefined;
    this.confirmation ??= this.renew().finally(() => {
      this.confirmation = undefined;
    });
    return this.confirmation;
  }

  /** Redis said that the lease is gone: gives up all runs and starts a new lease. */
  replace(): Promise<void> {
    this.recovering ??= this.recover().finally(() => {
      this.recovering = undefined;
    });
    return this.recovering;
  }

  private async recover(): Promise<void> {
    this.host.warn('The worker lost its lease: it was silent for longer than leaseMs. Its runs are left to others.');
    this.host.loseAll();
    await this.register();
  }

  private async register(): Promise<void> {
    const { workerId, options, buffer, clock, declares } = this.host;
    const { leaseMs, app, queues, concurrency } = options;
    for (;;) {
      const askedAt = performance.now();
      const { status, now } = await buffer.add(registerWorker({ workerId, leaseMs, app, queues, concurrency, declares }));
      clock.synchronise(now);
      if (status === 'AGAIN') continue;
      this.renewedAt = askedAt;
      return;
    }
  }

  private async renew(): Promise<void> {
    const { workerId, options, buffer, clock } = this.host;
    const askedAt = performance.now();
    const { status, now } = await buffer.add(
      renewLease({
        workerId,
        leaseMs: options.leaseMs,
        running: this.host.runningCount(),
        stalledRunIds: this.host.stalledRunIds(),
      }),
    );
    clock.synchronise(now);
    if (status === 'LOST') await this.replace();
    else {
      this.renewedAt = askedAt;
      this.host.renewed();
    }
  }
}
