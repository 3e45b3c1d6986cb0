import { afterEach, expect } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LoggerPort } from '../../lib/engine/core/api/values.types.js';
import { type ConnectionSource, RedisConnection } from '../../lib/engine/redis/connection/connection.js';
import { Keyspace } from '../../lib/engine/redis/keyspace.js';
import { type Claim, type ClaimedRun, type ClaimRequest, claimRuns } from '../../lib/engine/redis/runs/claim-runs.js';
import { type Created, createRun, type NewRun } from '../../lib/engine/redis/runs/create-run.js';
import type { Op } from '../../lib/engine/redis/script/op.js';
import type { ReplicaWait } from '../../lib/engine/redis/script/replica-wait.js';
import { ScriptRunner } from '../../lib/engine/redis/script/script-runner.js';
import { WriteBuffer } from '../../lib/engine/redis/script/write-buffer.js';
import { registerWorker } from '../../lib/engine/redis/workers/register-worker.js';
import { type RedisServer, startRedis } from '../../lib/testing/index.js';
import { contentsOf } from './contents.js';
import { type LossyProxy, startLossyProxy } from './lossy-proxy.js';
import { testPrefix, testRedisUrl } from './namespace.js';
import { startVersionRewritingProxy } from './version-rewriting-proxy.js';

/** Beyond the real time: the claims of a run that has this fence count on from it. */
export const FENCE_AHEAD = 4_000_000_000_000;

/** Where the waits and leases of a test are far enough away not to matter. */
const HOUR_MS = 3_600_000;

/** What a worker serves unless a test says otherwise: the workflow of all runs, and versions of it. */
const GREET: readonly string[] = ['greet', ...['1', '2', '3'].map((version) => `greet\0${version}`)];

const NO_SUSPECTS_HELD = { most: 16, held: 0, aloneFrom: 7 };

const open: Array<() => Promise<unknown>> = [];

// In the order of need: rooms close before the servers that they talk to.
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

export interface RoomOptions extends Partial<ConnectionSource> {
  readonly role?: 'client' | 'worker';
  readonly waitReplicas?: ReplicaWait;
  readonly logger?: LoggerPort;
  /** One with a clock of its own by default. */
  prefix?: string;
}

export const silentLogger: LoggerPort = { log() {}, warn() {}, error() {} };

/** A private Redis that is stopped when the test ends. */
export async function privateRedis(): Promise<RedisServer> {
  const server = await startRedis({ appendonly: false });
  open.push(() => server.stop());
  return server;
}

/** A {@link LossyProxy} that is closed when the test ends. */
export async function lossyProxy(url = testRedisUrl()): Promise<LossyProxy> {
  const proxy = await startLossyProxy(url);
  open.push(() => proxy.close());
  return proxy;
}

/** The URL of a Redis that passes for another version, until the test ends. */
export async function redisPassingFor(version: string, url = testRedisUrl()): Promise<string> {
  const proxy = await startVersionRewritingProxy(url, version);
  open.push(() => proxy.close());
  return proxy.url;
}

/** A plain client of a Redis, to look at keys and to break things; closed when the test ends. */
export function plainClient(url = testRedisUrl()): Redis {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {
    // A killed server closes the connection; tests await what they need.
  });
  open.push(
    () =>
      new Promise<void>((resolve) => {
        if (redis.status === 'end') return resolve();
        redis.once('end', () => resolve());
        redis.disconnect();
      }),
  );
  return redis;
}

/** The Redis layer of the engine on a namespace of its own; closed when the test ends. */
export function openEngineRoom(options: RoomOptions = {}): EngineRoom {
  const room = new EngineRoom(options);
  open.push(() => room.close());
  return room;
}

export class EngineRoom {
  readonly prefix: string;
  readonly keys: Keyspace;
  readonly connection: RedisConnection;
  readonly runner: ScriptRunner;
  readonly buffer: WriteBuffer;
  /** Not through the engine. */
  readonly redis: Redis;
  private runs = 0;
  private readonly sequences = new Map<string, number>();
  private readonly fences = new Map<string, string>();

  constructor({ prefix, url = testRedisUrl(), role = 'worker', waitReplicas, logger = silentLogger, ...source }: RoomOptions) {
    this.prefix = prefix ?? `redflow-test:${testPrefix()}`;
    this.keys = new Keyspace(this.prefix);
    this.connection = new RedisConnection({ url, giveUpAfterMs: 30_000, connectTimeoutMs: 10_000, ...source }, logger, role);
    this.runner = new ScriptRunner(this.connection, this.keys, waitReplicas);
    this.buffer = new WriteBuffer(this.runner, { depth: 1, smallest: 1 });
    this.redis = plainClient(url);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** A full key from the part after the namespace. */
  key(name: string): string {
    return `${this.keys.root}:${name}`;
  }

  send<T>(op: Op<T>): Promise<T> {
    return this.buffer.add(op);
  }

  /** Sends an operation once more, as after a lost answer, and fails if that changes any key, though time has gone on. */
  async repeat<T>(op: Op<T>): Promise<T> {
    const before = await this.contents();
    await this.advance(7_000);
    const answer = await this.send(op);
    expect(await this.contents()).toEqual(before);
    return answer;
  }

  /** Moves the clock of the namespace; leases keep to the real one. */
  async advance(ms: number): Promise<void> {
    await this.redis.incrby(this.key('clock'), ms);
  }

  /** Redis time in ms, with what `advance()` has added. */
  async now(): Promise<number> {
    const [seconds, micros] = (await this.redis.time()).map(Number);
    return seconds * 1_000 + Math.floor(micros / 1_000) + Number(await this.redis.get(this.key('clock')));
  }

  newRun(overrides: Partial<NewRun> = {}): NewRun {
    this.runs++;
    return {
      id: `run-${this.runs}`,
      nonce: '',
      workflow: 'greet',
      queue: 'default',
      priority: 0,
      start: { delayMs: 0 },
      idempotencyTtlMs: HOUR_MS,
      input: '',
      ...overrides,
    };
  }

  create(overrides: Partial<NewRun> = {}): Promise<Created> {
    return this.send(createRun(this.newRun(overrides)));
  }

  async createAll(...ids: string[]): Promise<void> {
    for (const id of ids) await this.create({ id });
  }

  async register(
    workerId = 'w1',
    queues: readonly string[] = ['default'],
    { app = 'app', deployment = 'd1', workflows = [] as readonly string[], serves = GREET, since = '' } = {},
  ): Promise<string> {
    const team = { id: `team of ${deployment} with ${workflows.join()}`, workflows };
    const declared = { deployment, team, forgetAfterMs: HOUR_MS, serves, since };
    await this.send(registerWorker({ workerId, leaseMs: HOUR_MS, app, queues, concurrency: 10, ...declared }));
    return workerId;
  }

  /** Lets the lease of a worker run out. */
  async expireLease(workerId: string): Promise<void> {
    await this.redis.zadd(this.key('workers'), 'XX', 1, workerId);
  }

  claimOp(workerId = 'w1', overrides: Partial<ClaimRequest> = {}): Op<Claim> {
    const sequence = (this.sequences.get(workerId) ?? 0) + 1;
    this.sequences.set(workerId, sequence);
    const request = {
      workerId,
      sequence,
      lane: 0,
      want: 10,
      hasSpareSlots: false,
      suspects: NO_SUSPECTS_HELD,
      queues: ['default'],
    };
    const op = claimRuns({ ...request, ...overrides });
    return { ...op, parse: (reply) => this.noteFences(op.parse(reply)) };
  }

  async claim(workerId = 'w1', overrides: Partial<ClaimRequest> = {}): Promise<ClaimedRun[]> {
    return runsOf(await this.send(this.claimOp(workerId, overrides)));
  }

  /** Claims the next run, and fails unless its fence is newer than the one of its last claim. */
  async claimAnew(workerId = 'w1'): Promise<ClaimedRun> {
    const earlier = new Map(this.fences);
    const [claimed] = await this.claim(workerId);
    expect(Number(claimed.fence)).toBeGreaterThan(Number(earlier.get(claimed.run.id)));
    return claimed;
  }

  /** A run in the hands of worker `w1`. */
  async running(overrides: Partial<NewRun> = {}): Promise<ClaimedRun> {
    await this.register();
    await this.create(overrides);
    const [claimed] = await this.claim();
    return claimed;
  }

  /**
   * The fence that the last claim of a run answered, whoever owns the run by now. With an offset: a fence next to it.
   * @throws Error when no claim of this room answered the run
   */
  fenceOf(runId: string, offset = 0): string {
    const fence = this.fences.get(runId);
    if (fence === undefined) throw new Error(`No claim of this room answered run "${runId}".`);
    return String(Number(fence) + offset);
  }

  /** A field of a run's hash: see keyspace.ts. */
  field(runId: string, name: string): Promise<string | null> {
    return this.redis.hget(this.keys.run(runId), name);
  }

  /** Outcomes of the passes written down so far, one letter each. */
  async passes(runId: string): Promise<string> {
    return (await this.redis.lrange(this.keys.passes(runId), 0, -1)).map((line) => line.split(',')[1]).join('');
  }

  /** Runs of a queue in the order in which they will be claimed. */
  queued(queue = 'default'): Promise<string[]> {
    return this.redis.zrange(this.key(`queue:${queue}`), '0', '-1');
  }

  due(): Promise<string[]> {
    return this.redis.zrange(this.key('due'), '0', '-1');
  }

  owned(workerId = 'w1'): Promise<string[]> {
    return this.redis.smembers(this.key(`owned:${workerId}`));
  }

  /** Of the workers that serve what this one does. */
  async idleKey(workerId = 'w1', queue = 'default'): Promise<string> {
    return this.key(`idle:${await this.redis.hget(this.key(`worker:${workerId}`), 'set')}:${queue}`);
  }

  wakeUps(workerId: string): Promise<number> {
    return this.redis.llen(this.keys.wake(workerId));
  }

  /** All keys of the namespace with their contents, but for the clock. */
  async contents(): Promise<Record<string, unknown>> {
    const contents = await contentsOf(this.redis, this.keys.root);
    delete contents.clock;
    return contents;
  }

  private noteFences(claim: Claim): Claim {
    if (claim.status === 'OK') for (const { run, fence } of claim.runs) this.fences.set(run.id, fence);
    return claim;
  }
}

/** The runs of a claim that was not refused. */
export function runsOf(claim: Claim): ClaimedRun[] {
  if (claim.status !== 'OK') throw new Error(`The claim was answered with ${claim.status}.`);
  return claim.runs;
}

export const idsOf = (runs: readonly ClaimedRun[]): string[] => runs.map(({ run }) => run.id);
