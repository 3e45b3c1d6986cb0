import { processWarnings } from '../core/process-warnings.js';
import { RedisConnection } from '../redis/connection/connection.js';
import { Keyspace } from '../redis/keyspace.js';
import { removeNamespace } from '../redis/retention/reset-namespace.js';
import { ScriptRunner } from '../redis/script/script-runner.js';
import { WriteBuffer } from '../redis/script/write-buffer.js';
import { reapWorkers } from '../redis/workers/reap-workers.js';
import { LOOK } from './look.js';

/** What keeps a namespace busy. */
export interface BusyItem {
  /**
   * A run: `running`, `queued`, `due` to be queued, in a queue that is `paused` or that no worker serves (`unserved`). Else an `event`
   * that has not reached all subscribers, or a `schedule` whose instant has come.
   */
  readonly state: 'running' | 'queued' | 'due' | 'paused' | 'unserved' | 'event' | 'schedule';
  readonly id: string;
  /** Empty for events. */
  readonly workflow: string;
  /** Empty for events and schedules. */
  readonly queue: string;
}

/** A namespace at one moment of its clock. */
export interface NamespaceView {
  readonly now: number;
  readonly workers: number;
  /** When the next parked or delayed run is due. */
  readonly nextDue: number;
  /** The next instant of a schedule that is not paused. */
  readonly nextTick: number;
  readonly busy: readonly BusyItem[];
}

const NEVER = Number.POSITIVE_INFINITY;
const REAP_BATCH = 100;
const GIVE_UP_AFTER_MS = 10_000;

/** A namespace whose clock can be moved: its prefix begins with `redflow-test:`. Connects when it is first asked. */
export class TestNamespace {
  private readonly connection: RedisConnection;
  private readonly keys: Keyspace;
  private readonly buffer: WriteBuffer;

  constructor(url: string, prefix: string) {
    this.keys = new Keyspace(prefix);
    const source = { url, giveUpAfterMs: GIVE_UP_AFTER_MS, connectTimeoutMs: GIVE_UP_AFTER_MS };
    this.connection = new RedisConnection(source, processWarnings, 'worker');
    const runner = new ScriptRunner(this.connection, this.keys);
    this.buffer = new WriteBuffer(runner, { depth: 1, smallest: 1 });
  }

  async look(): Promise<NamespaceView> {
    const answer = await this.connection.repeated((redis) => redis.eval(LOOK, this.keys.declared.length, ...this.keys.declared));
    const [now, workers, due, tick, ...busy] = answer as [number, number, string, string, ...BusyEntry[]];
    const at = (time: string) => (time === '' ? NEVER : Number(time));
    return {
      now,
      workers,
      nextDue: at(due),
      nextTick: at(tick),
      busy: busy.map(([state, id, workflow, queue]) => ({ state, id, workflow, queue })),
    };
  }

  /** Not repeated while Redis is away: the time would move on twice. */
  async moveClock(ms: number): Promise<void> {
    await this.connection.call((redis) => redis.incrby(this.keys.clock, ms));
  }

  /** Takes the runs of a worker that is gone, as if its lease had run out. */
  async endLease(workerId: string): Promise<void> {
    await this.connection.repeated((redis) => redis.zadd(this.keys.workers, 'XX', 1, workerId));
    while ((await this.buffer.add(reapWorkers(REAP_BATCH))).more);
  }

  /** Deletes all keys. */
  clear(): Promise<void> {
    return removeNamespace(this.connection, this.keys);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

type BusyEntry = [BusyItem['state'], string, string, string];
