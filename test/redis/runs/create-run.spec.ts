import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { TransitionError } from '../../../lib/engine/redis/script/op.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { testPrefix } from '../../support/namespace.js';

describe('createRun()', () => {
  it('stores a run and queues it', async () => {
    const room = openEngineRoom();
    const before = await room.now();
    const created = await room.create({
      id: 'r1',
      priority: 4,
      maxAttempts: 7,
      version: '2',
      tags: { team: 'blue' },
      idempotencyKey: 'order-1',
      input: '{"name":"Ada"}',
    });
    expect(created).toEqual({ status: 'CREATED', id: 'r1', workflow: undefined });
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({
      id: 'r1',
      workflow: 'greet',
      queue: 'default',
      status: 'queued',
      input: { name: 'Ada' },
      attempt: 1,
      maxAttempts: 7,
      priority: 4,
      version: '2',
      tags: { team: 'blue' },
      idempotencyKey: 'order-1',
      rootRunId: 'r1',
      trigger: 'api',
      recoveries: 0,
    });
    expect(run?.createdAt).toBeGreaterThanOrEqual(before);
    expect(run?.createdAt).toBeLessThanOrEqual(await room.now());
    expect(run?.availableAt).toBe(run?.createdAt);
    expect(run).not.toHaveProperty('startedAt');
    expect(await room.queued()).toEqual(['r1']);
  });

  it('leaves an undefined input out', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    expect(await room.redis.exists(room.keys.data('r1'))).toBe(0);
    expect((await room.send(readRun('r1')))?.input).toBeUndefined();
  });

  describe('start time', () => {
    it('keeps a delayed run out of the queue until its time, counted on the Redis clock', async () => {
      const room = openEngineRoom();
      await room.register();
      await room.advance(1_000_000);
      await room.create({ id: 'r1', start: { delayMs: 60_000 } });
      const run = await room.send(readRun('r1'));
      expect(run?.status).toBe('scheduled');
      expect((run?.availableAt ?? 0) - (run?.createdAt ?? 0)).toBe(60_000);
      expect(await room.claim()).toEqual([]);
      expect(await room.due()).toEqual(['r1']);
      await room.advance(60_000);
      expect(await room.claim()).toHaveLength(1);
    });

    it('takes an instant as it is', async () => {
      const room = openEngineRoom();
      const at = (await room.now()) + 86_400_000;
      await room.create({ id: 'r1', start: { at } });
      expect(await room.send(readRun('r1'))).toMatchObject({ status: 'scheduled', availableAt: at });
    });

    it('takes an instant that has passed for now', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', start: { at: 1 } });
      const run = await room.send(readRun('r1'));
      expect(run?.status).toBe('queued');
      expect(run?.availableAt).toBe(run?.createdAt);
    });
  });

  describe('one run per id', () => {
    it('answers CREATED again to its own call, and writes nothing', async () => {
      const room = openEngineRoom();
      for (const nonce of ['', 'call-1']) {
        const op = createRun(room.newRun({ nonce, input: '1', idempotencyTtlMs: 1_000 }));
        const first = await room.send(op);
        expect(first.status).toBe('CREATED');
        expect(await room.repeat(op)).toEqual(first);
      }
    });

    it('answers CREATED again to its own call when the run has ended meanwhile', async () => {
      const room = openEngineRoom();
      const op = createRun(room.newRun({ id: 'r1', nonce: 'call-1' }));
      await room.send(op);
      await room.redis.hset(room.keys.run('r1'), 'st', 's');
      expect((await room.repeat(op)).status).toBe('CREATED');
    });

    it('answers EXISTS to another call, and changes nothing', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', nonce: 'call-1', input: '1' });
      const other = createRun(room.newRun({ id: 'r1', nonce: 'call-2', input: '2', priority: 9 }));
      expect(await room.repeat(other)).toMatchObject({ status: 'EXISTS', id: 'r1' });
    });

    it('answers CONFLICT to a call for another workflow', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', nonce: 'call-1' });
      const other = createRun(room.newRun({ id: 'r1', nonce: 'call-2', workflow: 'charge' }));
      expect(await room.repeat(other)).toEqual({ status: 'CONFLICT', id: 'r1', workflow: 'greet' });
    });

    it('makes one of 200 concurrent creates of two connections', async () => {
      const prefix = `redflow-test:${testPrefix()}`;
      const rooms = [openEngineRoom({ prefix }), openEngineRoom({ prefix })];
      const creates = Array.from({ length: 200 }, (_, index) => rooms[index % 2].create({ id: 'r1', nonce: `call-${index}` }));
      const statuses = (await Promise.all(creates)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 'CREATED')).toHaveLength(1);
      expect(statuses.filter((status) => status === 'EXISTS')).toHaveLength(199);
      expect(await rooms[0].queued()).toEqual(['r1']);
      expect(await rooms[0].redis.zcard(rooms[0].key('list:q5:greetdefault'))).toBe(1);
    });
  });

  describe('idempotency key', () => {
    it('answers the first run to a second create, whatever its other options', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', idempotencyKey: 'k' });
      const second = createRun(room.newRun({ id: 'r2', idempotencyKey: 'k', queue: 'other', input: '2' }));
      expect(await room.repeat(second)).toMatchObject({ status: 'EXISTS', id: 'r1' });
      expect(await room.queued('other')).toEqual([]);
    });

    it('answers EXISTS also when the run has ended', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', idempotencyKey: 'k' });
      await room.redis.hset(room.keys.run('r1'), 'st', 's');
      expect(await room.create({ id: 'r2', idempotencyKey: 'k' })).toMatchObject({ status: 'EXISTS', id: 'r1' });
    });

    it('keeps the key as long as asked from the first creation, a second one does not prolong it', async () => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', idempotencyKey: 'k', idempotencyTtlMs: 50_000 });
      const key = room.key('idem:5:greet:k');
      const left = await room.redis.pttl(key);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(50_000);
      await room.create({ id: 'r2', idempotencyKey: 'k', idempotencyTtlMs: 90_000 });
      expect(await room.redis.pttl(key)).toBeLessThanOrEqual(50_000);
      await room.redis.pexpire(key, 0);
      expect(await room.create({ id: 'r3', idempotencyKey: 'k' })).toMatchObject({ status: 'CREATED', id: 'r3' });
    });

    it('is scoped to the workflow, wherever separators fall', async () => {
      const room = openEngineRoom();
      const pairs = [
        ['a:b', 'c'],
        ['a', 'b:c'],
        ['a', 'b'],
        ['1:a', 'b:c'],
        ['greet', 'c'],
        ['greet', '5:greet:c'],
      ];
      for (const [index, [workflow, idempotencyKey]] of pairs.entries()) {
        const created = await room.create({ id: `r${index}`, workflow, idempotencyKey });
        expect(created).toMatchObject({ status: 'CREATED', id: `r${index}` });
      }
    });

    it.each(['{}:*', '{other}', '*', '?[a-z]', 'straße 日本 🚀', '\u0000', ' ', 'x'.repeat(512)])(
      'takes %j as it is',
      async (key) => {
        const room = openEngineRoom();
        await room.create({ id: 'r1', idempotencyKey: key });
        await room.create({ id: 'r2', idempotencyKey: `${key}.` });
        expect(await room.create({ id: 'r3', idempotencyKey: key })).toMatchObject({ status: 'EXISTS', id: 'r1' });
        expect((await room.send(readRun('r1')))?.idempotencyKey).toBe(key);
        expect((await room.send(readRun('r2')))?.idempotencyKey).toBe(`${key}.`);
      },
    );
  });

  it('keeps runs apart whose ids, workflows and queues carry separators and braces', async () => {
    const room = openEngineRoom();
    const names = ['{}:*', 'a:b', 'a', '{redflow:v1}', 'straße 日本 🚀'];
    for (const name of names) await room.create({ id: name, workflow: name, queue: name, input: JSON.stringify(name) });
    for (const name of names) {
      expect(await room.queued(name)).toEqual([name]);
      expect(await room.send(readRun(name))).toMatchObject({ id: name, workflow: name, queue: name, input: name });
    }
  });

  it('gives every run a creation stamp of its own, in the order of creation', async () => {
    const room = openEngineRoom();
    await Promise.all(Array.from({ length: 300 }, (_, index) => room.create({ id: `r${String(index).padStart(3, '0')}` })));
    const stamps = await room.redis.zrange(room.key('list:q5:greetdefault'), '0', '-1', 'WITHSCORES');
    const ids = stamps.filter((_, index) => index % 2 === 0);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(stamps.filter((_, index) => index % 2 === 1)).size).toBe(300);
  });

  describe('gates', () => {
    it('keeps the keys that the claim needs, and nothing for a run without', async () => {
      const room = openEngineRoom();
      const op = createRun(
        room.newRun({ id: 'r1', admission: { mutex: '', throttle: { limit: 3, periodMs: 60_000, key: 'a,b:{}*' } } }),
      );
      await room.send(op);
      await room.repeat(op);
      expect([await room.field('r1', 'mx'), await room.field('r1', 'th')]).toEqual(['', '3,60000,a,b:{}*']);
      await room.create({ id: 'r2' });
      expect(await room.redis.hkeys(room.keys.run('r2'))).toEqual(['wf', 'q', 'st', 'cs', 'av']);
    });

    it.each(['{}:*', 'straße 日本 🚀', '\u0000', '"\\/', 'x'.repeat(512)])('keeps %j as it is', async (key) => {
      const room = openEngineRoom();
      await room.create({ id: 'r1', admission: { mutex: key } });
      expect(await room.field('r1', 'mx')).toBe(key);
    });
  });

  describe('wake-up', () => {
    it('wakes one idle worker of the queue, once', async () => {
      const room = openEngineRoom();
      for (const worker of ['w1', 'w2']) {
        await room.register(worker);
        expect(await room.claim(worker)).toEqual([]);
      }
      await room.create();
      const wakeUps = [await room.wakeUps('w1'), await room.wakeUps('w2')].sort();
      expect(wakeUps).toEqual([0, 1]);
      await room.createAll('a', 'b', 'c');
      expect([await room.wakeUps('w1'), await room.wakeUps('w2')]).toEqual([1, 1]);
    });

    it('leaves the workers of other queues alone', async () => {
      const room = openEngineRoom();
      await room.register('w1', ['other']);
      await room.claim('w1', { queues: ['other'] });
      await room.create();
      expect(await room.wakeUps('w1')).toBe(0);
    });

    it('skips dead workers', async () => {
      const room = openEngineRoom();
      await room.register('alive');
      await room.claim('alive');
      for (const dead of ['d1', 'd2', 'd3']) {
        await room.register(dead);
        await room.claim(dead);
        await room.expireLease(dead);
      }
      await room.create();
      expect(await room.wakeUps('alive')).toBe(1);
      for (const dead of ['d1', 'd2', 'd3']) expect(await room.wakeUps(dead)).toBe(0);
    });

    it('leaves no wake key of a worker that never takes it', async () => {
      const room = openEngineRoom();
      await room.register();
      await room.claim();
      await room.create();
      expect(await room.wakeUps('w1')).toBe(1);
      await room.expireLease('w1');
      await room.create();
      while ((await room.send(reapWorkers(10))).more);
      expect(await room.redis.exists(room.keys.wake('w1'))).toBe(0);
    });

    it('wakes for a delayed run only if it is the next to be due', async () => {
      const room = openEngineRoom();
      for (const worker of ['w1', 'w2']) {
        await room.register(worker);
        await room.claim(worker);
      }
      const wakeUps = async () => (await room.wakeUps('w1')) + (await room.wakeUps('w2'));
      await room.create({ start: { delayMs: 50_000 } });
      expect(await wakeUps()).toBe(1);
      await room.create({ start: { delayMs: 90_000 } });
      expect(await wakeUps()).toBe(1);
      await room.create({ start: { delayMs: 10_000 } });
      expect(await wakeUps()).toBe(2);
    });
  });

  it('answers an error for itself alone when a key of the namespace is of another type', async () => {
    const room = openEngineRoom();
    await room.redis.lpush(room.key('idem:5:greet:taken'), 'not a string');
    const [before, broken, after] = await Promise.allSettled([
      room.create({ id: 'before' }),
      room.create({ id: 'broken', idempotencyKey: 'taken' }),
      room.create({ id: 'after' }),
    ]);
    expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
    const { reason } = broken as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(TransitionError);
    expect(reason.operation).toBe('create_run');
    expect(reason.message).toContain('WRONGTYPE');
    expect(await room.queued()).toEqual(['before', 'after']);
    expect(await room.send(readRun('broken'))).toBeNull();
  });

  it('has no other clock than that of Redis under a prefix that is not marked as a test one', async () => {
    const room = openEngineRoom({ prefix: testPrefix() });
    await room.advance(1_000_000_000);
    await room.create({ id: 'r1' });
    const createdAt = (await room.send(readRun('r1')))?.createdAt ?? 0;
    expect(createdAt).toBeLessThanOrEqual((await room.now()) - 1_000_000_000);
  });
});
