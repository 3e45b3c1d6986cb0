import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import type { ClaimedRun } from '../../../lib/engine/redis/runs/claim-runs.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, FENCE_AHEAD, idsOf, openEngineRoom, runsOf } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

/** Lets workers crash with the run, one after the other. */
async function crash(room: EngineRoom, times: number): Promise<void> {
  for (let crashed = 0; crashed < times; crashed++) {
    const worker = await room.register(`crashes-${crashed}`);
    expect(await room.claim(worker)).toHaveLength(1);
    await room.expireLease(worker);
    await room.send(reapWorkers(10));
  }
}

describe('claimRuns()', () => {
  it('hands over a run with its payloads and makes the worker its owner', async () => {
    const room = openEngineRoom();
    await room.create({
      id: 'r1',
      priority: 2,
      maxAttempts: 5,
      version: '3',
      tags: { a: 'b' },
      idempotencyKey: 'k',
      input: '[1]',
    });
    await room.register();
    const before = await room.now();
    const claim = await room.send(room.claimOp());
    const [claimed] = runsOf(claim);
    expect(claimed).toMatchObject({
      fence: await room.field('r1', 'f'),
      suspectGroup: 0,
      run: {
        id: 'r1',
        workflow: 'greet',
        queue: 'default',
        priority: 2,
        maxAttempts: 5,
        version: '3',
        tags: { a: 'b' },
        idempotencyKey: 'k',
        failures: 0,
        recoveries: 0,
      },
      data: { input: '[1]' },
    });
    expect(claimed.run.startedAt).toBeGreaterThanOrEqual(before);
    expect(claim).toMatchObject({ now: claimed.run.startedAt });
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'running', workerId: 'w1', startedAt: claimed.run.startedAt });
    expect(await room.owned()).toEqual(['r1']);
    expect(await room.queued()).toEqual([]);
  });

  it('keeps the time of the first start over later claims, and raises the fence with each', async () => {
    const room = openEngineRoom();
    const first = await room.running({ id: 'r1' });
    await room.send(releaseRun('r1', first.fence, 0));
    await room.advance(60_000);
    const second = await room.claimAnew();
    expect(second.run.startedAt).toBe(first.run.startedAt);
    expect(Number(second.fence)).toBeGreaterThan(Number(first.fence));
  });

  describe('fence', () => {
    it('is the real time in ms, not that of the namespace', async () => {
      const room = openEngineRoom();
      const before = await room.now();
      await room.advance(1_000_000_000);
      const { fence } = await room.running({ id: 'r1' });
      expect(Number(fence)).toBeGreaterThanOrEqual(before);
      expect(Number(fence)).toBeLessThanOrEqual((await room.now()) - 1_000_000_000);
    });

    // Redis joins a number of more than 14 digits in the form 1e+14.
    it.each([FENCE_AHEAD, 100_000_000_000_000])('counts on from %d, which is ahead of the real time', async (ahead) => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await room.redis.hset(room.keys.run('r1'), 'f', String(ahead));
      await room.register();
      for (const next of [ahead + 1, ahead + 2]) {
        const [{ fence }] = await room.claim();
        expect(fence).toBe(String(next));
        expect(await room.field('r1', 'f')).toBe(fence);
        expect(await room.send(releaseRun('r1', fence, 0))).toBe('OK');
      }
    });

    it('is not given again by a Redis that has forgotten the claim', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r1' });
      await room.redis.hdel(room.keys.run('r1'), 'f', 'w', 'sa');
      await room.redis.hset(room.keys.run('r1'), 'st', 'q');
      await room.redis.zadd(room.key('queue:default'), 1, 'r1');
      // As long as a restart lasts at least.
      await eventually(async () => expect(await room.now()).toBeGreaterThan(Number(fence)));
      await room.register('w2');
      const second = await room.claimAnew('w2');
      expect(await room.send(finishRun('r1', fence, 'succeeded', '"old"'))).toBe('LOST');
      expect(await room.send(finishRun('r1', second.fence, 'succeeded', '"new"'))).toBe('OK');
    });
  });

  it('hands over no more than asked for, and each run once', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd', 'e');
    await room.register('w1');
    await room.register('w2');
    expect(idsOf(await room.claim('w1', { want: 2 }))).toEqual(['a', 'b']);
    expect(idsOf(await room.claim('w2', { want: 2 }))).toEqual(['c', 'd']);
    expect(idsOf(await room.claim('w1', { want: 2 }))).toEqual(['e']);
  });

  it('passes over queued ids whose runs are gone or not queued, without losing a slot to them', async () => {
    const room = openEngineRoom();
    await room.createAll('gone', 'ended', 'good');
    await room.redis.del(room.keys.run('gone'));
    await room.redis.hset(room.keys.run('ended'), 'st', 's');
    await room.register();
    expect(idsOf(await room.claim('w1', { want: 1 }))).toEqual(['good']);
  });

  describe('order', () => {
    it('is that of arrival inside a priority, higher priorities first', async () => {
      const room = openEngineRoom();
      const priorities = [0, 5, 9, 0, 5, 9, 1];
      for (const [index, priority] of priorities.entries()) await room.create({ id: `p${priority}-${index}`, priority });
      await room.register();
      expect(idsOf(await room.claim())).toEqual(['p9-2', 'p9-5', 'p5-1', 'p5-4', 'p1-6', 'p0-0', 'p0-3']);
    });

    it('is that of arrival for many, not that of their ids', async () => {
      const room = openEngineRoom();
      const ids = Array.from({ length: 120 }, (_, index) => `r${(index * 37) % 120}`);
      await Promise.all(ids.map((id) => room.create({ id })));
      await room.register();
      expect(idsOf(await room.claim('w1', { want: 120 }))).toEqual(ids);
    });

    it('tries queues in the order given, and no others', async () => {
      const room = openEngineRoom();
      for (const queue of ['a', 'b', 'c']) await room.create({ id: `in-${queue}`, queue });
      await room.register('w1', ['a', 'b']);
      expect(idsOf(await room.claim('w1', { queues: ['b', 'a'] }))).toEqual(['in-b', 'in-a']);
      expect(await room.queued('c')).toEqual(['in-c']);
    });

    it('puts runs that became due behind those that wait, by due time', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'later', start: { delayMs: 2_000 } });
      await room.create({ id: 'sooner', start: { delayMs: 1_000 } });
      await room.create({ id: 'waits' });
      await room.register();
      await room.advance(5_000);
      expect(idsOf(await room.claim())).toEqual(['waits', 'sooner', 'later']);
    });
  });

  describe('due runs', () => {
    it('answers the time to the next one, and none when there is none', async () => {
      const room = openEngineRoom();
      await room.register();
      expect(await room.send(room.claimOp())).toMatchObject({ nextDueMs: undefined });
      const at = (await room.now()) + 500_000;
      await room.create({ start: { at } });
      const claim = await room.send(room.claimOp());
      expect(claim).toMatchObject({ status: 'OK', nextDueMs: at - (claim as { now: number }).now });
    });

    it('promotes at most 100 in one call', async () => {
      const room = openEngineRoom();
      const ids = Array.from({ length: 150 }, (_, index) => `r${String(index).padStart(3, '0')}`);
      await Promise.all(ids.map((id, index) => room.create({ id, start: { delayMs: 1_000 + index } })));
      await room.register();
      await room.advance(10_000);
      const first = await room.send(room.claimOp('w1', { want: 1_000 }));
      expect(idsOf(runsOf(first))).toEqual(ids.slice(0, 100));
      expect(first).toMatchObject({ nextDueMs: 0 });
      expect(idsOf(await room.claim('w1', { want: 1_000 }))).toEqual(ids.slice(100));
    });

    it('promotes those of other queues too, and wakes their workers', async () => {
      const room = openEngineRoom();
      await room.register('other', ['other']);
      await room.create({ id: 'r1', queue: 'other', start: { delayMs: 1_000 } });
      expect(await room.claim('other', { queues: ['other'] })).toEqual([]);
      await room.advance(1_000);
      await room.register();
      expect(await room.claim()).toEqual([]);
      expect(await room.queued('other')).toEqual(['r1']);
      expect(await room.wakeUps('other')).toBe(1);
    });
  });

  describe('lease', () => {
    it('is LOST for a worker that is unknown or whose lease ran out, and takes nothing', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      expect(await room.send(room.claimOp('stranger'))).toEqual({ status: 'LOST' });
      await room.register();
      await room.expireLease('w1');
      expect(await room.send(room.claimOp())).toEqual({ status: 'LOST' });
      expect(await room.queued()).toEqual(['r1']);
    });

    it('is LOST after the worker was reaped', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      expect(await room.send(room.claimOp())).toEqual({ status: 'LOST' });
    });
  });

  describe('the same sequence again', () => {
    it('answers nothing to a copy of an earlier claim that arrives late, and hands out nothing for it', async () => {
      const room = openEngineRoom();
      await room.register();
      const late = room.claimOp();
      await room.send(late);
      await room.createAll('a');
      await room.claim('w1', { want: 1 });
      await room.createAll('b');
      expect(runsOf(await room.repeat(late))).toEqual([]);
      expect(await room.queued()).toEqual(['b']);
    });

    it('answers the same runs with the same fences, and writes nothing', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b', 'c', 'd');
      await room.register();
      const op = room.claimOp('w1', { want: 2 });
      const first = runsOf(await room.send(op));
      expect(idsOf(first)).toEqual(['a', 'b']);
      expect(runsOf(await room.repeat(op))).toEqual(first);
    });

    it('leaves out those that have ended, or went to another worker, meanwhile', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b', 'c');
      await room.register();
      const op = room.claimOp();
      await room.send(op);
      await room.send(finishRun('a', room.fenceOf('a'), 'succeeded', ''));
      await room.send(releaseRun('b', room.fenceOf('b'), 0));
      await room.register('w2');
      await room.claim('w2', { want: 1 });
      expect(idsOf(runsOf(await room.repeat(op)))).toEqual(['c']);
    });

    it('answers a suspect as one', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await crash(room, 3);
      await room.register();
      const op = room.claimOp();
      expect(runsOf(await room.send(op))[0].suspectGroup).toBe(16);
      expect(runsOf(await room.repeat(op))[0].suspectGroup).toBe(16);
    });

    it('answers the runs of its own lane, also after a newer claim of another lane', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b', 'c', 'd', 'e');
      await room.register();
      const ops = [0, 1].map((lane) => room.claimOp('w1', { lane, sequence: 1, want: 2, hasSpareSlots: true }));
      const [first, second] = (await Promise.all(ops.map((op) => room.send(op)))).map(runsOf);
      expect([idsOf(first), idsOf(second)]).toEqual([
        ['a', 'b'],
        ['c', 'd'],
      ]);
      expect(runsOf(await room.repeat(ops[1]))).toEqual(second);
      expect(runsOf(await room.repeat(ops[0]))).toEqual(first);

      const newer = room.claimOp('w1', { lane: 1, sequence: 2, want: 2 });
      const third = runsOf(await room.send(newer));
      expect(idsOf(third)).toEqual(['e']);
      expect(runsOf(await room.repeat(ops[0]))).toEqual(first);
      expect(runsOf(await room.repeat(newer))).toEqual(third);
      expect((await room.owned()).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('of two lanes in one call answers each its own, once', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b', 'c');
      await room.register();
      const ops = [0, 1].map((lane) => room.claimOp('w1', { lane, sequence: 7, want: 1 }));
      const sent = () => Promise.all(ops.map((op) => room.send(op)));
      const answers = (await sent()).map(runsOf);
      expect(answers.map(idsOf)).toEqual([['a'], ['b']]);
      const before = await room.contents();
      expect((await sent()).map(runsOf)).toEqual(answers);
      expect(await room.contents()).toEqual(before);
      expect(await room.queued()).toEqual(['c']);
    });

    it('is a claim like any other when the first took nothing', async () => {
      const room = openEngineRoom();
      await room.register();
      const op = room.claimOp();
      expect(runsOf(await room.send(op))).toEqual([]);
      await room.createAll('a');
      expect(idsOf(runsOf(await room.send(op)))).toEqual(['a']);
    });
  });

  describe('wake-ups', () => {
    it('passes the baton to another idle worker when it leaves runs behind', async () => {
      const room = openEngineRoom();
      for (const worker of ['w1', 'w2', 'w3']) {
        await room.register(worker);
        await room.claim(worker);
      }
      await room.redis.srem(await room.idleKey(), 'w2', 'w3');
      await room.createAll('a', 'b', 'c');
      await room.redis.sadd(await room.idleKey(), 'w2', 'w3');
      await room.claim('w1', { want: 1 });
      expect((await room.wakeUps('w2')) + (await room.wakeUps('w3'))).toBe(1);
    });

    it('wakes nobody when it leaves nothing behind', async () => {
      const room = openEngineRoom();
      for (const worker of ['w1', 'w2']) await room.register(worker);
      await room.claim('w2');
      await room.redis.del(room.keys.wake('w2'));
      await room.create();
      await room.redis.del(room.keys.wake('w2'));
      await room.redis.sadd(await room.idleKey(), 'w2');
      await room.claim('w1', { want: 1 });
      expect(await room.wakeUps('w2')).toBe(0);
    });

    it('counts a worker as idle as long as it has a free slot', async () => {
      const room = openEngineRoom();
      const idle = async () => room.redis.smembers(await room.idleKey());
      await room.register();
      await room.claim('w1', { want: 2 });
      expect(await idle()).toEqual(['w1']);
      await room.createAll('a', 'b', 'c');
      expect(await idle()).toEqual([]);
      await room.claim('w1', { want: 2 });
      expect(await idle()).toEqual([]);
      await room.claim('w1', { want: 2 });
      expect(await idle()).toEqual(['w1']);
    });

    it('counts a worker that got all it asked for as idle if it has slots to spare, and only then', async () => {
      const room = openEngineRoom();
      const idle = async () => room.redis.smembers(await room.idleKey());
      await room.register();
      for (const [id, hasSpareSlots] of [
        ['a', true],
        ['b', false],
      ] as const) {
        await room.create({ id });
        await room.redis.sadd(await room.idleKey(), 'w1');
        expect(idsOf(await room.claim('w1', { want: 1, hasSpareSlots }))).toEqual([id]);
        expect(await idle()).toEqual(hasSpareSlots ? ['w1'] : []);
      }
    });

    it('wakes a worker that has slots to spare for what it leaves behind', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b');
      await room.register();
      await room.redis.sadd(await room.idleKey(), 'w1');
      expect(idsOf(await room.claim('w1', { want: 1, hasSpareSlots: true }))).toEqual(['a']);
      expect(await room.wakeUps('w1')).toBe(1);
    });

    it('lets a run that follows the claim in the same call wake the worker', async () => {
      const room = openEngineRoom();
      await room.createAll('a', 'b');
      await room.register();
      await room.claim('w1', { want: 2 });
      const release = (id: string) => room.send(releaseRun(id, room.fenceOf(id), 0));
      await Promise.all([release('a'), room.claim(), release('b')]);
      expect(await room.queued()).toEqual(['b']);
      expect(await room.wakeUps('w1')).toBe(1);
    });
  });

  describe('quarantine', () => {
    it('begins after three recoveries without a new step', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await crash(room, 2);
      await room.register();
      expect((await room.claim())[0]).toMatchObject({ suspectGroup: 0, run: { recoveries: 2, recoveryStreak: 2 } });
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      await room.register('w2');
      expect((await room.claim('w2'))[0]).toMatchObject({ suspectGroup: 16, run: { recoveries: 3, recoveryStreak: 3 } });
    });

    it('ends with a new step', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await crash(room, 3);
      await room.register();
      const [{ fence }] = await room.claim();
      await room.send(
        commitStep({
          runId: 'r1',
          fence,
          name: 'a',
          kind: 'r',
          status: 's',
          order: 1,
          attempt: 1,
          base: 0,
          elapsedMs: 1,
          payload: '',
        }),
      );
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      await room.register('w2');
      expect((await room.claim('w2'))[0]).toMatchObject({ suspectGroup: 0, run: { recoveries: 4, recoveryStreak: 1 } });
    });

    /** Queues runs as after so many crashes in a row. */
    async function suspects(room: EngineRoom, streak: number, ...ids: string[]): Promise<void> {
      for (const [index, id] of ids.entries()) {
        await room.create({ id });
        await room.redis.zrem(room.key('queue:default'), id);
        await room.redis.hset(room.keys.run(id), 'rs', streak);
        await room.redis.zadd(room.key('suspects:default'), streak * 100 + index, id);
      }
    }
    const numbered = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);

    it.each([
      [3, 16],
      [4, 8],
      [5, 4],
      [6, 2],
      [7, 1],
      [9, 1],
    ])('makes groups smaller: after %d recoveries %d runs are executed together', async (streak, group) => {
      const room = openEngineRoom();
      await suspects(room, streak, ...numbered(20));
      await room.register();
      const claimed = await room.claim('w1', { want: 30 });
      expect(claimed.map(({ suspectGroup }) => suspectGroup)).toEqual(Array(group).fill(group));
      expect(await room.claim('w1', { want: 10, suspects: { most: 0, held: group, aloneFrom: 7 } })).toEqual([]);
      await room.register('w2');
      expect(await room.claim('w2', { want: 30 })).toHaveLength(Math.min(group, 20 - group));
    });

    it('mixes groups up to the size of the smallest, beside runs that are no suspects', async () => {
      const room = openEngineRoom();
      await suspects(room, 5, 'a', 'b');
      await suspects(room, 6, 'c', 'd');
      await room.createAll('other');
      await room.register();
      expect(idsOf(await room.claim())).toEqual(['a', 'b', 'other']);
      expect(await room.claim('w1', { suspects: { most: 2, held: 2, aloneFrom: 7 } })).toEqual([]);
      expect(idsOf(await room.claim('w1', { suspects: { most: 3, held: 1, aloneFrom: 7 } }))).toEqual(['c']);
    });

    it('wakes another worker for what is left', async () => {
      const room = openEngineRoom();
      await room.register('w2');
      await room.claim('w2');
      await suspects(room, 6, 'a', 'b', 'c');
      await room.register();
      expect(idsOf(await room.claim())).toEqual(['a', 'b']);
      expect(await room.wakeUps('w2')).toBe(1);
    });

    it('lasts when the run is handed back by a shutdown', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await crash(room, 3);
      await room.register();
      const [{ fence }] = await room.claim();
      await room.send(releaseRun('r1', fence, 0));
      expect((await room.claim())[0]).toMatchObject({ suspectGroup: 16 });
    });

    it('lasts when the run was parked meanwhile', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await crash(room, 3);
      await room.register();
      const [{ fence }] = await room.claim();
      await room.send(releaseRun('r1', fence, 1_000));
      await room.advance(1_000);
      expect((await room.claim())[0]).toMatchObject({ suspectGroup: 16 });
    });
  });

  it('leaves payloads out that are too many for one answer', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1', input: '1' });
    await room.redis.hset(room.keys.run('r1'), 'f', FENCE_AHEAD);
    await room.redis.hset(
      room.keys.data('r1'),
      Object.fromEntries(Array.from({ length: 256 }, (_, n) => [`s:${n}`, 'r,s,1,1,0,1,1;'])),
    );
    await room.register();
    const [claimed] = await room.claim();
    expect(claimed).toMatchObject({ fence: String(FENCE_AHEAD + 1), data: undefined });
    await room.send(releaseRun('r1', claimed.fence, 0));
    await room.redis.hdel(room.keys.data('r1'), 's:0');
    expect((await room.claim())[0].data?.steps.size).toBe(255);
  });

  describe('with payloads that are long', () => {
    const MIB = 1_048_576;
    const long = (bytes: number) => `"${'x'.repeat(bytes)}"`;

    it('leaves those out that would make the answer longer than 1 MiB, also when it is repeated', async () => {
      const room = openEngineRoom();
      await room.register();
      for (const id of ['a', 'b', 'c', 'd']) await room.create({ id, input: long(400_000) });
      await room.create({ id: 'small', input: '1' });
      const op = room.claimOp();
      for (const claim of [await room.send(op), await room.send(op)]) {
        const inputs = (claim as { runs: ClaimedRun[] }).runs.map(({ data }) => data?.input.length);
        expect(inputs).toEqual([400_002, 400_002, undefined, undefined, 1]);
      }
    });

    it('leaves those of one run out that are longer, whatever it has of them', async () => {
      const room = openEngineRoom();
      await room.register();
      await room.create({ id: 'input', input: long(2 * MIB) });
      await room.create({ id: 'headers', headers: long(2 * MIB) });
      await room.create({ id: 'steps', input: '1' });
      await room.redis.hset(room.keys.run('steps'), 'f', FENCE_AHEAD);
      await room.redis.hset(
        room.keys.data('steps'),
        Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`s:${n}`, `r,s,1,1,0,1,1;${n === 13 ? long(2 * MIB) : n}`])),
      );
      expect((await room.claim()).map(({ run: { id }, data }) => [id, data])).toEqual([
        ['input', undefined],
        ['headers', undefined],
        ['steps', undefined],
      ]);
    });
  });

  it('answers an error for itself alone when a key of the namespace is of another type', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'r1' });
    await room.redis.set(room.key('queue:broken'), 'not a zset');
    const [broken, good] = await Promise.allSettled([room.send(room.claimOp('w1', { queues: ['broken'] })), room.claim()]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { operation: 'claim_runs' } });
    expect(good).toMatchObject({ status: 'fulfilled', value: [{ run: { id: 'r1' } }] });
  });
});
