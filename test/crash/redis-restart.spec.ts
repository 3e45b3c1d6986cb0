import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RedisServer } from 'nestjs-redflow/testing';
import { eventually } from '../support/eventually.js';
import { ALWAYS_PARK } from '../support/passes.js';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';

/** Creates runs with ids of its own until it is told to stop; an unacknowledged create is repeated, as the docs say. */
class Producer {
  readonly acknowledged: string[] = [];
  private stopped = false;
  private readonly loop: Promise<void>;

  constructor(
    private readonly stage: Stage,
    private readonly name: string,
  ) {
    this.loop = this.produce();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }

  private async produce(): Promise<void> {
    const client = this.stage.connect();
    for (let number = 0; !this.stopped; number++) {
      const runId = `${this.name}-${number}`;
      const handle = await client.runByName('order', { number }, { runId, allowUnknown: true });
      this.acknowledged.push(handle.id);
    }
  }
}

/** Writes reach the file before they are acknowledged; the setting does not outlive a restart. */
async function syncAlways(redis: RedisServer): Promise<void> {
  await withRedis(redis, (admin) => admin.config('SET', 'appendfsync', 'always'));
}

async function withRedis<T>({ url }: RedisServer, use: (admin: Redis) => Promise<T>): Promise<T> {
  const admin = new Redis(url, { lazyConnect: true });
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    admin.disconnect();
  }
}

describe('a Redis that restarts under load', () => {
  it('costs nothing that was acknowledged: killed twice and restarted in order once, every run ends exactly once', async () => {
    const { stage, redis } = await Stage.onPrivateRedis();
    await syncAlways(redis);
    await Promise.all([1, 2].map(() => stage.worker(FIXTURE)));
    const producers = ['left', 'right'].map((name) => new Producer(stage, name));
    const acknowledged = () => producers.flatMap((producer) => producer.acknowledged);
    const oneHundredMore = async () => {
      const goal = acknowledged().length + 100;
      await eventually(() => acknowledged().length >= goal);
    };

    for (const end of [() => redis.kill(), () => redis.kill(), () => redis.stop({ keepData: true })]) {
      await oneHundredMore();
      await end();
      await redis.restart();
      await syncAlways(redis);
    }
    await oneHundredMore();
    await Promise.all(producers.map((producer) => producer.stop()));
    const ids = acknowledged();
    const outputs = await Promise.all(ids.map((id) => stage.client.getHandle(id).result()));

    const listed: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await stage.client.listRuns({ limit: 1_000, cursor });
      listed.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(listed.sort()).toEqual([...ids].sort());
    const effects = await stage.effects();
    for (const [index, id] of ids.entries()) {
      expect(await stage.run(id)).toMatchObject({ status: 'succeeded', attempt: 1, output: outputs[index] });
      expect((await stage.outcomes(id)).filter((outcome) => outcome !== 'lost')).toEqual(['succeeded']);
      await stage.expectCommittedOnce(id, outputs[index], effects);
    }
    // Two for each worker, producer and the stage's client, and this one: none was left behind by a failed attempt to connect.
    const connections = await withRedis(redis, (admin) => admin.client('LIST'));
    expect(String(connections).trim().split('\n').length).toBeLessThanOrEqual(11);
  });

  it('and has forgotten a claim: only one of the two workers that execute the run then can write', async () => {
    const { stage, redis } = await Stage.onPrivateRedis({ appendonly: false });
    // The only slot is taken by the run, and the lease outlasts a slow restart, so that the worker does not claim it again.
    const first = await stage.worker(FIXTURE, { options: { concurrency: 1, leaseMs: 60_000 } });
    first.signal('SIGSTOP');
    const handle = await stage.client.runByName('order', { hold: 'B' });
    await withRedis(redis, (admin) => admin.save());
    first.signal('SIGCONT');
    await eventually(async () => expect(await stage.counts(handle.id)).toEqual({ start: 1, A: 1, B: 1 }));
    await redis.kill();
    await redis.restart();
    expect(await stage.run(handle.id)).toMatchObject({ status: 'queued' });

    const second = await stage.worker(FIXTURE);
    await eventually(async () => expect(await stage.counts(handle.id)).toEqual({ start: 2, A: 2, B: 2 }));
    await stage.openGate(1); // for the one that has waited longer
    await first.waitForLine('late writes are refused');
    // Else it may get the next pass of the run.
    if (ALWAYS_PARK) await first.kill('SIGKILL');
    await stage.openGate(1);
    const output = (await handle.result()) as { a: string; b: string; c: string };

    const effects = await stage.effects(handle.id);
    const valuesOf = (point: string, pid?: number) =>
      effects.filter((effect) => effect.point === point && (pid ?? effect.pid) === effect.pid).map(({ value }) => value);
    expect(valuesOf('A', second.pid)).toEqual([output.a]);
    expect(valuesOf('B', second.pid)).toEqual([output.b]);
    // The first one went no further with what it had.
    expect(valuesOf('C')).toEqual([output.c]);
    expect(valuesOf('end')).toHaveLength(1);
    const steps = await stage.client.getRunSteps(handle.id);
    expect(steps.map(({ output: stored }) => stored)).toEqual([output.a, output.b, output.c]);
  });
});
