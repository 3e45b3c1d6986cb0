import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { idsOf, openEngineRoom } from '../../support/engine-room.js';

describe('reapWorkers()', () => {
  it('leaves workers with a lease alone', async () => {
    const room = openEngineRoom();
    await room.running();
    expect(await room.repeat(reapWorkers(10))).toEqual({ runs: 0, more: false });
  });

  it('queues the runs of a dead worker again: a recovery, not an attempt', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    const before = await room.now();
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 1, more: true });
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'queued', attempt: 1, recoveries: 1 });
    expect(run?.availableAt).toBeGreaterThanOrEqual(before);
    expect(await room.passes('r1')).toBe('l');
    expect(await room.field('r1', 'f')).toBe(room.fenceOf('r1', 1));
    expect((await room.send(readStats())).workers).toEqual([]);
    expect(await room.redis.exists(room.key('owned:w1'), room.key('worker:w1'), room.keys.wake('w1'))).toBe(0);
    await room.register('w2');
    expect(await room.claimAnew('w2')).toMatchObject({ run: { id: 'r1', recoveries: 1 } });
  });

  it('puts them before all that wait in their priority, but not before higher ones', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'lost' });
    await room.create({ id: 'waits' });
    await room.create({ id: 'urgent', priority: 3 });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register('w2');
    expect(idsOf(await room.claim('w2'))).toEqual(['urgent', 'lost', 'waits']);
  });

  it('wakes idle workers, one for each run', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b');
    await room.register();
    await room.claim('w1', { want: 2 });
    for (const worker of ['i1', 'i2', 'i3']) {
      await room.register(worker);
      await room.claim(worker);
    }
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    const wakeUps = await Promise.all(['i1', 'i2', 'i3'].map((worker) => room.wakeUps(worker)));
    expect(wakeUps.sort()).toEqual([0, 1, 1]);
  });

  it('leaves no trace of a worker that was idle, which swallows no wake-up', async () => {
    const room = openEngineRoom();
    const dead = Array.from({ length: 12 }, (_, index) => `dead-${index}`);
    for (const worker of [...dead, 'living']) {
      await room.register(worker);
      await room.claim(worker);
    }
    for (const worker of dead) await room.expireLease(worker);
    await room.create();
    expect(await room.wakeUps('living')).toBe(1);
    while ((await room.send(reapWorkers(10))).more);
    const contents = await room.contents();
    expect(JSON.stringify(contents)).not.toContain('dead-');
  });

  it('takes no more runs than the limit in one call, then the rest', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd', 'e');
    await room.register();
    await room.claim();
    await room.expireLease('w1');
    const reaped = [];
    for (let call = 0; call < 4; call++) reaped.push(await room.send(reapWorkers(2)));
    expect(reaped).toEqual([
      { runs: 2, more: true },
      { runs: 2, more: true },
      { runs: 1, more: true },
      { runs: 0, more: false },
    ]);
    expect((await room.queued()).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('takes one dead worker per call', async () => {
    const room = openEngineRoom();
    for (const worker of ['w1', 'w2']) {
      await room.register(worker);
      await room.create();
      await room.claim(worker);
      await room.expireLease(worker);
    }
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 1, more: true });
    expect((await room.send(readStats())).workers).toHaveLength(1);
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 1, more: true });
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 0, more: false });
  });

  it('repeated, takes no run twice', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(reapWorkers(10))).toEqual({ runs: 0, more: false });
    expect(await room.field('r1', 'rc')).toBe('1');
    expect(await room.passes('r1')).toBe('l');
  });

  it('leaves runs alone that have ended or belong to others meanwhile', async () => {
    const room = openEngineRoom();
    await room.createAll('ended', 'moved', 'lost');
    await room.register();
    await room.claim();
    await room.send(finishRun('ended', room.fenceOf('ended'), 'succeeded', ''));
    await room.send(releaseRun('moved', room.fenceOf('moved'), 0));
    await room.register('w2');
    await room.claim('w2');
    await room.redis.sadd(room.key('owned:w1'), 'ended', 'moved', 'deleted');
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.send(readRun('ended'))).toMatchObject({ status: 'succeeded', recoveries: 0 });
    expect(await room.send(readRun('moved'))).toMatchObject({ status: 'running', workerId: 'w2', recoveries: 0 });
    expect(await room.send(readRun('deleted'))).toBeNull();
    expect(await room.queued()).toEqual(['lost']);
  });

  it('puts a run that crashed three workers aside', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    for (const worker of ['w1', 'w2', 'w3']) {
      expect(await room.queued()).toEqual(['r1']);
      await room.register(worker);
      await room.claim(worker);
      await room.expireLease(worker);
      await room.send(reapWorkers(10));
    }
    expect(await room.queued()).toEqual([]);
    expect(await room.redis.zrange(room.key('suspects:default'), '0', '-1')).toEqual(['r1']);
    expect((await room.send(readStats())).queues).toMatchObject([{ name: 'default', depth: 1 }]);
  });
});
