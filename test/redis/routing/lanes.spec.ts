import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { resumeQueue } from '../../../lib/engine/redis/queues/resume-queue.js';
import { sweepQueues } from '../../../lib/engine/redis/queues/sweep-queues.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { type EngineRoom, idsOf, openEngineRoom, privateRedis } from '../../support/engine-room.js';

const A = { serves: ['a'] };
const B = { serves: ['b'] };

/** Worker `a` serves workflow `a`, worker `b` workflow `b`, both queue `default`. */
async function twoServices(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.register('a', ['default'], A);
  await room.register('b', ['default'], B);
  return room;
}

const run = (room: EngineRoom, id: string, workflow: string, more: object = {}) => room.create({ id, workflow, ...more });
const claim = async (room: EngineRoom, worker: string, more: object = {}) => idsOf(await room.claim(worker, more));
const lanes = async (room: EngineRoom) => Object.keys(await room.contents()).filter((key) => /^lanes?:/.test(key));
const looks = async (room: EngineRoom, queue = 'default') => (await room.redis.hexists(room.key('controls'), `l${queue}`)) === 1;

async function suspect(room: EngineRoom, id: string, workflow: string, position: number): Promise<void> {
  await run(room, id, workflow);
  await room.redis.hset(room.keys.run(id), 'rs', 3);
  await room.redis.zrem(room.key('queue:default'), id);
  await room.redis.zadd(room.key('suspects:default'), position, id);
}

describe('a claim of one of several sets of workers', () => {
  it('takes the first runs that the worker serves, in their order, whatever lies before them', async () => {
    const room = await twoServices();
    for (const id of ['b1', 'a1', 'b2', 'a2', 'b3', 'a3']) await run(room, id, id[0]);
    expect(await claim(room, 'a', { want: 2 })).toEqual(['a1', 'a2']);
    expect(await claim(room, 'b')).toEqual(['b1', 'b2', 'b3']);
    expect(await claim(room, 'a')).toEqual(['a3']);
    expect(await lanes(room)).toEqual([]);
    expect(await looks(room)).toBe(false);
  });

  it('merges its lanes with the queue by priority and position', async () => {
    const room = await twoServices();
    await run(room, 'b-low-1', 'b');
    await run(room, 'b-high-1', 'b', { priority: 5 });
    expect(await claim(room, 'a')).toEqual([]);
    expect(await room.queued()).toEqual([]);
    await run(room, 'b-low-2', 'b');
    await run(room, 'b-high-2', 'b', { priority: 5 });
    await run(room, 'b-highest', 'b', { priority: 9 });
    expect(await claim(room, 'b')).toEqual(['b-highest', 'b-high-1', 'b-high-2', 'b-low-1', 'b-low-2']);
  });

  it('merges several lanes, and raises the bounds that it meets', async () => {
    const room = await twoServices();
    await room.register('both', ['default'], { serves: ['b', 'c'] });
    for (const id of ['b1', 'c1', 'b2', 'c2']) await run(room, id, id[0]);
    expect(await claim(room, 'a')).toEqual([]);
    expect(await claim(room, 'both', { want: 1 })).toEqual(['b1']);
    expect(await claim(room, 'both', { want: 1 })).toEqual(['c1']);
    const first = await room.redis.zscore(room.key('lane:q2:b\0default'), 'b2');
    expect(await room.redis.zscore(room.key('lanes:default'), 'qb\0')).toBe(first);
    expect(await claim(room, 'both')).toEqual(['b2', 'c2']);
  });

  it('wakes those that serve what it passes over, and nobody else', async () => {
    const room = await twoServices();
    await claim(room, 'b');
    await room.redis.del(room.keys.wake('b'));
    await room.redis.zadd(room.key('queue:default'), 1, 'b1');
    await room.redis.hset(room.keys.run('b1'), 'wf', 'b', 'q', 'default', 'st', 'q');
    await room.redis.hset(room.keys.run('c1'), 'wf', 'c', 'q', 'default', 'st', 'q');
    await room.redis.zadd(room.key('queue:default'), 2, 'c1');
    expect(await claim(room, 'a')).toEqual([]);
    expect(await room.wakeUps('b')).toBe(1);
    expect(await room.wakeUps('a')).toBe(0);
  });

  it('leaves what it has no slot for to an idle worker that serves it, also behind runs of others', async () => {
    const room = await twoServices();
    await room.register('a2', ['default'], A);
    for (const id of ['a1', 'b1', 'a2']) await run(room, id, id[0]);
    await room.redis.sadd(await room.idleKey('a2'), 'a2');
    expect(await claim(room, 'a', { want: 1 })).toEqual(['a1']);
    expect(await room.wakeUps('a2')).toBe(1);
    expect(await claim(room, 'a2')).toEqual(['a2']);
  });

  it('passes over 200 runs per call, and asks to be called again', async () => {
    const room = await twoServices();
    for (let i = 0; i < 450; i++) void run(room, `b${i}`, 'b');
    await run(room, 'a1', 'a');
    const found: string[] = [];
    for (const [left, nextDueMs] of [
      [251, 0],
      [51, 0],
      [0, undefined],
    ]) {
      const answer = await room.send(room.claimOp('a'));
      expect(answer).toMatchObject({ nextDueMs });
      if (answer.status === 'OK') found.push(...idsOf(answer.runs));
      expect((await room.queued()).length).toBe(left);
    }
    expect(found).toEqual(['a1']);
    expect(await claim(room, 'b', { want: 500 })).toEqual(Array.from({ length: 450 }, (_, i) => `b${i}`));
  });

  it('wakes another one of its set for what lies behind 200 runs of others when it has no slot', async () => {
    const room = await twoServices();
    await room.register('a2', ['default'], A);
    await run(room, 'a1', 'a');
    for (let i = 0; i < 250; i++) void run(room, `b${i}`, 'b');
    await run(room, 'a2', 'a');
    await room.redis.sadd(await room.idleKey('a2'), 'a2');
    await room.redis.del(room.keys.wake('a2'));
    expect(await claim(room, 'a', { want: 1 })).toEqual(['a1']);
    expect(await room.wakeUps('a2')).toBe(1);
    expect(await claim(room, 'a2')).toEqual(['a2']);
  });

  it('keeps suspects apart, in lanes of theirs', async () => {
    const room = await twoServices();
    await suspect(room, 's-b', 'b', 1);
    await suspect(room, 's-a', 'a', 2);
    expect(await claim(room, 'a')).toEqual(['s-a']);
    expect(await lanes(room)).toEqual(['lane:s2:b\0default', 'lanes:default']);
    expect(await claim(room, 'b', { suspects: { most: 0, held: 0, aloneFrom: 7 } })).toEqual([]);
    expect(await claim(room, 'b')).toEqual(['s-b']);
    await claim(room, 'b');
    expect(await lanes(room)).toEqual([]);
  });

  it.each(['queued runs', 'suspects'])(
    'forgets a lane whose last %s go to a gate, though what serves it never claims again',
    async (what) => {
      const room = await twoServices();
      await room.redis.hset(room.key('controls'), 'cb', 1);
      await room.redis.sadd(room.key('slots:b'), 'other');
      const create =
        what === 'suspects' ? (id: string, at: number) => suspect(room, id, 'b', at) : (id: string) => run(room, id, 'b');
      await Promise.all(Array.from({ length: 200 }, (_, i) => create(`b${i}`, i + 1)));
      expect(await claim(room, 'a')).toEqual([]);
      expect(await claim(room, 'b')).toEqual([]);
      expect(await room.send(readRun('b199'))).toMatchObject({ blockedBy: 'maxConcurrency' });
      await room.send(removeWorker('b'));
      expect(await lanes(room)).toEqual([]);
      expect(await looks(room)).toBe(false);
    },
  );

  it('repeated, answers the same runs and puts nothing aside', async () => {
    const room = await twoServices();
    for (const id of ['b1', 'a1', 'b2']) await run(room, id, id[0]);
    const op = room.claimOp('a', { want: 1 });
    await room.send(op);
    const again = await room.repeat(op);
    expect(again).toMatchObject({ runs: [{ run: { id: 'a1' } }] });
  });

  it('takes nothing from the lanes of a paused queue', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b');
    await claim(room, 'a');
    await room.send(pauseQueue('default'));
    expect(await claim(room, 'b')).toEqual([]);
    await room.redis.del(room.keys.wake('b'));
    await room.redis.sadd(await room.idleKey('b'), 'b');
    await room.send(resumeQueue('default'));
    expect(await room.wakeUps('b')).toBe(1);
    expect(await claim(room, 'b')).toEqual(['b1']);
  });

  it('goes on with lanes when its set is the only one left', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b');
    await claim(room, 'a');
    await room.send(removeWorker('a'));
    await run(room, 'b2', 'b');
    expect(await claim(room, 'b')).toEqual(['b1', 'b2']);
  });

  it('hands nothing to a worker that is retired', async () => {
    const room = await twoServices();
    await run(room, 'a1', 'a');
    await room.send(retireWorker('a', ['default']));
    expect(await claim(room, 'a')).toEqual([]);
    expect(await room.queued()).toEqual(['a1']);
  });
});

describe('a run in a lane', () => {
  it('that nobody serves is shown as blocked by workers, and counted', async () => {
    const room = await twoServices();
    await run(room, 'c1', 'c');
    expect(await room.send(readRun('c1'))).toMatchObject({ status: 'queued', blockedBy: 'worker' });
    await claim(room, 'a');
    await run(room, 'c2', 'c');
    await run(room, 'b1', 'b');
    const stats = await room.send(readStats([{ workflow: 'd', queue: 'default' }]));
    expect(stats.queues).toMatchObject([{ name: 'default', depth: 3 }]);
    expect(stats.unserved).toEqual([
      { workflow: 'c', queue: 'default', runs: 2 },
      { workflow: 'd', queue: 'default', runs: 0 },
    ]);
    expect(await room.send(readRun('b1'))).not.toHaveProperty('blockedBy');
    await room.register('c', ['default'], { serves: ['c'] });
    expect(await room.send(readRun('c1'))).not.toHaveProperty('blockedBy');
    expect((await room.send(readStats())).unserved).toEqual([]);
  });

  it('is canceled as any other, and leaves nothing behind', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b');
    await suspect(room, 'b2', 'b', 1);
    await claim(room, 'a');
    for (const runId of ['b1', 'b2']) {
      const op = cancelRun({ runId, reason: '', compensate: true, nonce: runId });
      await room.send(op);
      await room.repeat(op);
      expect(await room.send(readRun(runId))).toMatchObject({ status: 'canceled' });
    }
    expect(await lanes(room)).toEqual([]);
    expect(await looks(room)).toBe(false);
    expect(await claim(room, 'b')).toEqual([]);
  });

  it('that a reset has deleted is dropped', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b');
    await run(room, 'b2', 'b');
    await claim(room, 'a');
    await room.redis.del(room.keys.run('b1'));
    expect(await claim(room, 'b')).toEqual(['b2']);
    await claim(room, 'b');
    expect(await lanes(room)).toEqual([]);
  });

  it('keeps the name of its queue known', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b');
    await claim(room, 'a');
    for (const worker of ['a', 'b']) await room.send(removeWorker(worker));
    await room.send(sweepQueues(0));
    expect(await room.redis.smembers(room.key('queues'))).toEqual(['default']);
    expect((await room.send(readStats())).queues).toMatchObject([{ name: 'default', depth: 1, workers: 0 }]);
  });
});

describe('wake-ups', () => {
  it('go to a worker that serves the run', async () => {
    const room = await twoServices();
    for (const worker of ['a', 'b']) await claim(room, worker);
    await run(room, 'b1', 'b');
    expect([await room.wakeUps('a'), await room.wakeUps('b')]).toEqual([0, 1]);
    await run(room, 'a1', 'a', { start: { delayMs: 60_000 } });
    expect([await room.wakeUps('a'), await room.wakeUps('b')]).toEqual([1, 1]);
  });

  it('of due runs go to those that serve them, whoever moves them', async () => {
    const room = await twoServices();
    await run(room, 'b1', 'b', { start: { delayMs: 1_000 } });
    await claim(room, 'b');
    await room.redis.del(room.keys.wake('b'));
    await room.advance(1_000);
    expect(await claim(room, 'a')).toEqual([]);
    expect(await room.wakeUps('b')).toBe(1);
    expect(await claim(room, 'b')).toEqual(['b1']);
  });

  it.each<[string, (room: EngineRoom) => Promise<unknown>]>([
    ['removed', (room) => room.send(removeWorker('b'))],
    ['retired', (room) => room.send(retireWorker('b', ['default']))],
    ['reaped', async (room) => [await room.expireLease('b'), await room.send(reapWorkers(10))]],
  ])('go the short way again when the other set is %s', async (_, leave) => {
    const room = await twoServices();
    const set = await room.redis.hget(room.key('worker:a'), 'set');
    expect(await room.redis.hget(room.key('controls'), 'set')).toBe('+');
    await leave(room);
    await leave(room);
    expect(await room.redis.hmget(room.key('counters'), 'set')).toEqual([set]);
    expect(await room.redis.hget(room.key('controls'), 'set')).toBe(set);
    expect(await room.redis.hkeys(room.key('sets'))).toEqual([set]);
    expect(await room.redis.exists(room.key('servers:b'))).toBe(0);
  });
});

describe('a worker whose set is gone, as after a reset that it survived in part', () => {
  it.each(['sets', 'controls'])('is told that its lease is lost without "%s", and registers again', async (key) => {
    const room = openEngineRoom();
    await room.register('w1');
    await room.redis.del(room.key(key));
    if (key === 'sets') await room.redis.hset(room.key('controls'), 'set', '+');
    expect((await room.send(room.claimOp())).status).toBe('LOST');
    await room.register('w1');
    await room.create({ id: 'r1' });
    expect(await claim(room, 'w1')).toEqual(['r1']);
  });
});

describe('routes', () => {
  async function versions(): Promise<EngineRoom> {
    const room = openEngineRoom();
    await room.register('v1', ['default'], { serves: ['w', 'w\x001'] });
    await room.register('v2', ['default'], { serves: ['w', 'w\x002'] });
    await room.redis.hset(room.key('controls'), 'vw', '2');
    return room;
  }

  it('lead a run that has not begun to the current version, also if it changes while the run is in a lane', async () => {
    const room = await versions();
    await room.createAll();
    await run(room, 'r1', 'w');
    expect(await claim(room, 'v1')).toEqual([]);
    await room.redis.hset(room.key('controls'), 'vw', '1');
    expect(await claim(room, 'v2')).toEqual([]);
    expect(await claim(room, 'v1')).toEqual(['r1']);
  });

  it('lead a pinned run to its version, and one that began without any to all', async () => {
    const room = await versions();
    await run(room, 'pinned', 'w', { version: '1' });
    await run(room, 'began', 'w');
    await room.redis.hset(room.keys.run('began'), 'f', 1);
    expect(await claim(room, 'v2')).toEqual(['began']);
    await room.send(finishRun('began', room.fenceOf('began'), 'succeeded', ''));
    expect(await claim(room, 'v1')).toEqual(['pinned']);
  });

  it('show a pinned run whose version nobody serves', async () => {
    const room = await versions();
    await run(room, 'r3', 'w', { version: '3' });
    await claim(room, 'v1');
    expect(await room.send(readRun('r3'))).toMatchObject({ blockedBy: 'worker' });
    expect((await room.send(readStats())).unserved).toEqual([{ workflow: 'w', queue: 'default', version: '3', runs: 1 }]);
  });

  it('keep a run for the deployment that it is reserved for', async () => {
    const room = await twoServices();
    await run(room, 'r1', 'a');
    await room.redis.hset(room.keys.run('r1'), 'on', 'elsewhere');
    expect(await claim(room, 'a')).toEqual([]);
    expect(await room.send(readRun('r1'))).toMatchObject({ blockedBy: 'worker' });
    const set = String(await room.redis.hget(room.key('worker:a'), 'set'));
    await room.redis.hset(room.key('sets'), set, JSON.stringify({ deployment: 'elsewhere', queues: ['default'] }));
    expect(await claim(room, 'a')).toEqual(['r1']);
  });
});

describe('gates', () => {
  it('pass over runs that no living worker serves, which keep their places', async () => {
    const room = openEngineRoom();
    await room.register('w1', ['default'], { serves: ['w', 'w\x001'] });
    await room.register('w2', ['default'], { serves: ['w', 'w\x002'] });
    await room.redis.hset(room.key('controls'), 'vw', '1');
    await room.redis.hset(room.key('controls'), 'cw', 1);
    await run(room, 'first', 'w');
    expect(await claim(room, 'w1')).toEqual(['first']);
    await run(room, 'second', 'w', { version: '2' });
    expect(await claim(room, 'w2')).toEqual([]);
    await run(room, 'third', 'w');
    expect(await claim(room, 'w1')).toEqual([]);
    expect(await room.send(readRun('second'))).toMatchObject({ blockedBy: 'maxConcurrency' });
    await room.send(removeWorker('w2'));
    await room.send(finishRun('first', room.fenceOf('first'), 'succeeded', ''));
    expect(await claim(room, 'w1')).toEqual(['third']);
    await room.register('w3', ['default'], { serves: ['w', 'w\x002'] });
    await room.send(finishRun('third', room.fenceOf('third'), 'succeeded', ''));
    expect(await claim(room, 'w3')).toEqual(['second']);
    await room.send(finishRun('second', room.fenceOf('second'), 'succeeded', ''));
    const contents = Object.keys(await room.contents());
    expect(contents.filter((key) => /^(line|waiting|passed|handed|gated|slots):/.test(key))).toEqual([]);
  });

  it('take back what a run was handed whose last worker leaves while it is in a lane', async () => {
    const room = await twoServices();
    await room.redis.hset(room.key('controls'), 'cb', 1);
    await run(room, 'b1', 'b');
    expect(await claim(room, 'b')).toEqual(['b1']);
    await run(room, 'b2', 'b');
    expect(await claim(room, 'b')).toEqual([]);
    await room.send(finishRun('b1', room.fenceOf('b1'), 'succeeded', ''));
    expect(await claim(room, 'a')).toEqual([]);
    expect(await lanes(room)).not.toEqual([]);
    await room.send(removeWorker('b'));
    expect(await lanes(room)).toEqual([]);
    expect(await room.send(readRun('b2'))).toMatchObject({ blockedBy: 'maxConcurrency' });
    await room.register('b', ['default'], B);
    expect(await claim(room, 'b')).toEqual(['b2']);
  });
});

describe('a service alone', () => {
  it('is asked nothing of what it serves: creating and claiming cost no command more', async () => {
    const { url } = await privateRedis();
    const room = openEngineRoom({ url });
    await room.register();
    await claim(room, 'w1');
    const commands = async () => {
      const info = await room.redis.info('commandstats');
      const calls = [...info.matchAll(/cmdstat_(sismember|sinter|smembers|hkeys):calls=(\d+)/g)];
      return Object.fromEntries(calls.map(([, name, count]) => [name, Number(count)]));
    };
    const before = await commands();
    await room.send(createRun(room.newRun({ id: 'r1' })));
    expect(await claim(room, 'w1')).toEqual(['r1']);
    expect(await commands()).toEqual(before);
  });
});
