import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { type EngineRoom, idsOf, openEngineRoom, privateRedis } from '../../support/engine-room.js';

const LEAVING: ReadonlyArray<[string, (room: EngineRoom, worker: string) => Promise<unknown>]> = [
  ['signs off', (room, worker) => room.send(removeWorker(worker))],
  ['is reaped', async (room, worker) => [await room.expireLease(worker), await room.send(reapWorkers(10))]],
];
const serving = (version: string, ...workflows: string[]) => ({
  deployment: `build ${version}`,
  serves: workflows.flatMap((workflow) => [workflow, `${workflow}\0${version}`]).sort(),
});
const makeCurrent = (room: EngineRoom, workflow: string, version: string) =>
  room.redis.hset(room.key('controls'), `v${workflow}`, version);
const claim = async (room: EngineRoom, worker: string, more: object = {}) => idsOf(await room.claim(worker, more));

describe('a version that becomes current as the last worker of the current one leaves', () => {
  it.each(LEAVING)('is told of runs that have not begun, when that %s', async (_, leave) => {
    const room = openEngineRoom();
    await room.register('old', ['default'], serving('1', 'w'));
    await room.register('new', ['default'], serving('2', 'w'));
    await makeCurrent(room, 'w', '2');
    expect(await claim(room, 'old')).toEqual([]);
    await room.create({ id: 'r1', workflow: 'w' });
    expect([await room.wakeUps('old'), await room.queued()]).toEqual([0, ['r1']]);
    await leave(room, 'new');
    expect(await room.wakeUps('old')).toBe(1);
    expect(await claim(room, 'old')).toEqual(['r1']);
  });

  it('is told once per queue, however many workflows change', async () => {
    const room = openEngineRoom();
    for (const worker of ['old', 'old 2']) await room.register(worker, ['default'], serving('1', 'v', 'w'));
    await room.register('new', ['default'], serving('2', 'v', 'w'));
    for (const workflow of ['v', 'w']) await makeCurrent(room, workflow, '2');
    for (const worker of ['old', 'old 2']) await claim(room, worker);
    await room.create({ id: 'r1', workflow: 'w' });
    await room.send(removeWorker('new'));
    expect((await room.wakeUps('old')) + (await room.wakeUps('old 2'))).toBe(1);
  });

  it('gets what waits at a gate of runs that have not begun, in every queue of a worker that serves it', async () => {
    const room = openEngineRoom();
    await room.register('old', ['one', 'two'], serving('1', 'w'));
    await room.register('new', ['one', 'two'], serving('2', 'w'));
    await makeCurrent(room, 'w', '2');
    await room.redis.hset(room.key('controls'), 'cw', 1);
    const queues = ['one', 'two'];
    for (const queue of queues) await room.create({ id: `${queue} a`, workflow: 'w', queue });
    expect(await claim(room, 'new', { queues })).toEqual(['one a']);
    await room.create({ id: 'pinned', workflow: 'w', queue: 'one', version: '1' });
    expect(await claim(room, 'old', { queues })).toEqual([]);
    await room.send(removeWorker('new'));
    expect(await claim(room, 'old', { queues })).toEqual(['two a']);
  });

  it('is found in time that grows with the number of workflows, not with its square', async () => {
    const { url } = await privateRedis();
    const room = openEngineRoom({ url });
    const workflows = Array.from({ length: 2_000 }, (_, i) => `workflow-${i}`);
    await room.register('old', ['default'], serving('1', ...workflows));
    await room.register('new', ['default'], serving('2', ...workflows));
    await room.redis.hset(room.key('controls'), Object.fromEntries(workflows.map((name) => [`v${name}`, '2'])));
    await room.redis.config('SET', 'slowlog-log-slower-than', 0);
    await room.send(removeWorker('new'));
    const [[, , slowestUs]] = ((await room.redis.slowlog('GET', 10)) as Array<[number, number, number]>).sort(
      (a, b) => b[2] - a[2],
    );
    expect(await room.redis.hget(room.key('controls'), 'vworkflow-7')).toBe('1');
    expect(slowestUs).toBeLessThan(400_000);
  });
});

describe('a worker that leaves', () => {
  it.each(LEAVING)('is not woken for the runs that it leaves, but another one, when it %s', async (_, leave) => {
    const room = openEngineRoom();
    for (const worker of ['w1', 'w2']) await room.register(worker);
    await room.create({ id: 'r1' });
    expect(await claim(room, 'w1')).toEqual(['r1']);
    await claim(room, 'w2');
    await leave(room, 'w1');
    expect(await room.wakeUps('w2')).toBe(1);
    expect(await claim(room, 'w2')).toEqual(['r1']);
  });

  it('in several calls leaves first, so that nothing it leaves is for itself', async () => {
    const room = openEngineRoom();
    await room.register('w1');
    await room.createAll(...Array.from({ length: 150 }, (_, i) => `r${i}`));
    await claim(room, 'w1', { want: 200 });
    const op = removeWorker('w1');
    expect(await room.send(op)).toBe('AGAIN');
    expect(await room.wakeUps('w1')).toBe(0);
    expect(await room.redis.hget(room.key('controls'), 'set')).toBeNull();
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    expect(await room.queued()).toHaveLength(150);
  });
});

describe('what is due', () => {
  /** Seconds, as the answer to a claim of the worker says. */
  async function looksAgainIn(room: EngineRoom, worker: string): Promise<number> {
    const claimed = await room.send(room.claimOp(worker));
    return claimed.status === 'OK' ? Math.round((claimed.nextDueMs ?? 0) / 1_000) : 0;
  }

  /** Worker `b` is idle, and waits until the first run is due that it was told of. */
  async function besideDead(): Promise<EngineRoom> {
    const room = openEngineRoom();
    await room.register('a', ['default'], { serves: ['a'] });
    await room.register('b', ['default'], { serves: ['b'] });
    await claim(room, 'b');
    return room;
  }

  it('first, of a service that is down, is told to an idle worker of another, who then finds its own in time', async () => {
    const room = await besideDead();
    await room.create({ id: 'dead', workflow: 'c', start: { delayMs: 60_000 } });
    expect(await room.wakeUps('b')).toBe(1);
    await room.redis.del(room.keys.wake('b'));
    await room.create({ id: 'ours', workflow: 'b', start: { delayMs: 120_000 } });
    expect(await looksAgainIn(room, 'b')).toBe(60);
    await room.advance(60_000);
    expect(await looksAgainIn(room, 'b')).toBe(60);
    await room.advance(60_000);
    expect(await claim(room, 'b')).toEqual(['ours']);
  });

  it('first is told to one that serves it, if that is idle', async () => {
    const room = await besideDead();
    await claim(room, 'a');
    await room.create({ id: 'a1', workflow: 'a', start: { delayMs: 1_000 } });
    expect([await room.wakeUps('a'), await room.wakeUps('b')]).toEqual([1, 0]);
  });

  it('first, in a queue that another service alone has, is told to an idle worker all the same', async () => {
    const room = await besideDead();
    await room.create({ id: 'elsewhere', workflow: 'c', queue: 'elsewhere', start: { delayMs: 1_000 } });
    expect(await room.wakeUps('b')).toBe(1);
  });

  it('first, of a service that is down, is told to the only set that lives', async () => {
    const room = openEngineRoom();
    await room.register('b', ['default'], { serves: ['b'] });
    await claim(room, 'b');
    await room.create({ id: 'dead', workflow: 'c', start: { delayMs: 1_000 } });
    expect(await room.wakeUps('b')).toBe(1);
  });
});

describe('the list that a worker blocks on', () => {
  const cancel = (runId: string) => cancelRun({ runId, reason: '', compensate: true, nonce: runId });

  it('does not expire, so a message to the worker does not take wake-ups along', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.create({ id: 'r2' });
    await room.send(cancel('r1'));
    expect(await room.redis.lrange(room.keys.wake('w1'), 0, -1)).toEqual(['run:r1', '1']);
    expect(await room.redis.pttl(room.keys.wake('w1'))).toBe(-1);
    await room.send(removeWorker('w1'));
    expect(await room.redis.exists(room.keys.wake('w1'))).toBe(0);
  });

  it.each(LEAVING)('goes with a worker that %s, whatever it was told last', async (_, leave) => {
    const room = openEngineRoom();
    for (const worker of ['w1', 'w2']) await room.register(worker, [worker]);
    await claim(room, 'w1', { queues: ['w1'] });
    await room.create({ id: 'r1', queue: 'w1' });
    expect(await room.wakeUps('w1')).toBe(1);
    await leave(room, 'w1');
    await room.create({ id: 'r2', queue: 'w1' });
    expect(await room.redis.exists(room.keys.wake('w1'))).toBe(0);
  });

  it('is not made for a worker that is gone, as where a reset was cut short', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.redis.del(room.keys.workers);
    await room.send(cancel('r1'));
    expect(await room.redis.exists(room.keys.wake('w1'))).toBe(0);
  });
});
