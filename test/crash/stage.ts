import { afterEach, expect } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient, type RedflowClient, type RunRecord, type WorkerOptions } from 'nestjs-redflow/engine';
import { type RedisServer, type StartRedisOptions, startRedis } from 'nestjs-redflow/testing';
import { idleWorkers } from '../support/idle-workers.js';
import { testPrefix, testRedisUrl } from '../support/namespace.js';
import { ALWAYS_PARK, ownPasses } from '../support/passes.js';
import { type SpawnedProcess, spawnWorker } from '../support/spawn-worker.js';

/** Short, so that tests need not wait for it; long enough for a busy machine not to lose a living worker's lease. */
export const LEASE_MS = 1_500;

const WORKER_OPTIONS: WorkerOptions = { leaseMs: LEASE_MS, reaperIntervalMs: 200, blockTimeoutMs: 500 };

/** What a handler did to the outside world. */
export interface Effect {
  runId: string;
  point: string;
  pid: number;
  idempotencyKey?: string;
  value?: string;
  /** Values of earlier steps, as this execution got them. */
  seen?: Record<string, string>;
}

export interface StageOptions {
  /** The Redis that redflow works on. Default: the one of the test run. */
  url?: string;
  /** A clock that {@link Stage.moveTo} moves. Only on the Redis of the test run. */
  hasOwnClock?: boolean;
}

export interface ProcessOptions {
  /** In place of the stage's, for example a proxy's. */
  url?: string;
  options?: WorkerOptions;
  args?: string[];
}

const open: Stage[] = [];

/** A namespace with a client, worker processes, and a ledger of their effects, which lives outside redflow's keys. */
export class Stage {
  readonly prefix: string;
  readonly client: RedflowClient;
  private readonly url: string;
  private readonly ledger = new Redis(testRedisUrl());
  private readonly closers: Array<() => Promise<void>> = [];
  private readonly ledgerKey: string;

  /** A stage on a Redis of its own, which ends with it and may be killed before. */
  static async onPrivateRedis(options?: StartRedisOptions): Promise<{ stage: Stage; redis: RedisServer }> {
    const redis = await startRedis(options);
    const stage = new Stage({ url: redis.url });
    stage.closers.push(() => redis.stop());
    return { stage, redis };
  }

  constructor({ url = testRedisUrl(), hasOwnClock = false }: StageOptions = {}) {
    this.prefix = hasOwnClock ? `redflow-test:${testPrefix()}` : testPrefix();
    this.ledgerKey = `ledger:${this.prefix}`;
    this.url = url;
    this.client = this.connect();
    open.push(this);
  }

  /** A client of the namespace, closed with the stage. */
  connect(url = this.url): RedflowClient {
    const client = createClient({ url, prefix: this.prefix, logger: SILENT });
    this.closers.push(() => client.close());
    return client;
  }

  /** Starts a worker process and waits until it claims runs. */
  async worker(fixture: string, options: ProcessOptions = {}): Promise<SpawnedProcess> {
    const spawned = this.spawn(fixture, options);
    await spawned.waitForLine(/^ready/);
    return spawned;
  }

  spawn(fixture: string, { url = this.url, options, args }: ProcessOptions = {}): SpawnedProcess {
    return spawnWorker(fixture, {
      args,
      env: {
        REDIS_URL: url,
        REDFLOW_PREFIX: this.prefix,
        LEDGER_URL: testRedisUrl(),
        LEDGER_KEY: this.ledgerKey,
        WORKER_OPTIONS: JSON.stringify({ ...WORKER_OPTIONS, ...options }),
      },
    });
  }

  /** Lets `count` processes through their gate. */
  async openGate(count: number): Promise<void> {
    await this.ledger.rpush(`${this.ledgerKey}:gate`, ...Array.from({ length: count }, () => 'go'));
  }

  /** What happened so far, in order, but for the starts of passes that the mode of the suite has added. */
  async effects(runId?: string): Promise<Effect[]> {
    const entries = await this.ledger.lrange(this.ledgerKey, 0, -1);
    const effects = entries.map((entry) => JSON.parse(entry) as Effect);
    const own = ALWAYS_PARK ? withoutAddedPasses(effects) : effects;
    return runId === undefined ? own : own.filter((effect) => effect.runId === runId);
  }

  /** How often each point was reached. */
  async counts(runId: string): Promise<Record<string, number>> {
    return countsOf(await this.effects(runId));
  }

  async run(runId: string): Promise<RunRecord> {
    return this.client.getHandle(runId).getState();
  }

  /** Moves the clock of a stage that has its own forward to a time. */
  async moveTo(time: string): Promise<void> {
    const key = `{${this.prefix}}:clock`;
    const now = (await this.now()) + Number(await this.ledger.get(key));
    await this.ledger.incrby(key, Math.ceil(Date.parse(time) - now));
  }

  /** Epoch milliseconds of the Redis of the test run. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.ledger.time();
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  }

  /** Workers that have asked for runs in vain: they ask again when they are woken. Only on the Redis of the test run. */
  async idleWorkers(): Promise<string[]> {
    return idleWorkers(this.ledger, `{${this.prefix}}`);
  }

  /** Outcomes of the passes, oldest first, but for those that the mode of the suite has added. */
  async outcomes(runId: string): Promise<Array<string | undefined>> {
    return ownPasses(await this.client.getRunAttempts(runId)).map(({ outcome }) => outcome);
  }

  /** Fails unless the stored steps are exactly those of `output`, and every execution of a later step has seen just them. */
  async expectCommittedOnce(runId: string, output: unknown, effects: Effect[]): Promise<void> {
    const { a, b, c } = output as { a: string; b: string; c: string };
    const steps = await this.client.getRunSteps(runId);
    expect(steps.map(({ name, status, output: stored }) => [name, status, stored])).toEqual([
      ['A', 'succeeded', a],
      ['B', 'succeeded', b],
      ['C', 'succeeded', c],
    ]);
    const own = effects.filter((effect) => effect.runId === runId);
    const executed = (point: string) => own.filter((effect) => effect.point === point);
    expect(executed('A').map(({ value }) => value)).toContain(a);
    expect(executed('B').map(({ value }) => value)).toContain(b);
    expect(executed('C').map(({ value }) => value)).toContain(c);
    for (const { seen } of executed('B')) expect(seen).toEqual({ a });
    for (const { seen } of executed('C')) expect(seen).toEqual({ a, b });
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0)) await close();
    this.ledger.disconnect();
  }
}

export function countsOf(effects: Effect[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { point } of effects) counts[point] = (counts[point] ?? 0) + 1;
  return counts;
}

/** A pass was added where it goes on behind a step, in the same process or with that step never executed again. */
function withoutAddedPasses(effects: Effect[]): Effect[] {
  const lastOf = new Map<string, Effect>();
  return effects.filter((effect, index) => {
    const before = lastOf.get(effect.runId);
    lastOf.set(effect.runId, effect);
    if (effect.point !== 'start' || !before || ['start', 'end'].includes(before.point)) return true;
    if (before.pid === effect.pid) return false;
    return effects.slice(index).some(({ runId, point }) => runId === effect.runId && point === before.point);
  });
}

/** Connections are meant to fail here. */
const SILENT = { log: () => {}, warn: () => {}, error: () => {} };

afterEach(async () => {
  for (const stage of open.splice(0)) await stage.close();
});
