import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { registerWorker } from '../../../lib/engine/redis/workers/register-worker.js';
import { renewLease } from '../../../lib/engine/redis/workers/renew-lease.js';
import { idsOf, openEngineRoom } from '../../support/engine-room.js';

const registration = {
  workerId: 'w1',
  leaseMs: 60_000,
  app: 'shop',
  queues: ['a', 'b:{}'],
  concurrency: 7,
  deployment: 'd1',
  team: { id: 't1', workflows: ['greet'] },
  forgetAfterMs: 60_000,
  since: '',
  serves: ['greet'],
};

describe('registerWorker()', () => {
  it('starts a lease and makes the worker known', async () => {
    const room = openEngineRoom();
    const { status, now } = await room.send(registerWorker(registration));
    expect(status).toBe('OK');
    expect((await room.send(readStats())).workers).toEqual([
      { id: 'w1', app: 'shop', deployment: 'd1', queues: ['a', 'b:{}'], concurrency: 7, running: 0, lastSeenAt: now },
    ]);
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 0, more: false });
  });

  it('answers the clock of the namespace but counts the lease on the real one', async () => {
    const room = openEngineRoom();
    await room.advance(1_000_000_000);
    const { now } = await room.send(registerWorker(registration));
    const lease = Number(await room.redis.zscore(room.key('workers'), 'w1'));
    expect(lease - (now - 1_000_000_000)).toBe(60_000);
    await room.advance(1_000_000_000);
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 0, more: false });
    expect((await room.send(room.claimOp())).status).toBe('OK');
  });

  it('repeated, answers OK and leaves one worker', async () => {
    const room = openEngineRoom();
    await room.send(registerWorker(registration));
    expect((await room.send(registerWorker(registration))).status).toBe('OK');
    expect((await room.send(readStats())).workers).toHaveLength(1);
  });

  it('gives a worker that had lost its lease a new one', async () => {
    const room = openEngineRoom();
    await room.send(registerWorker(registration));
    await room.expireLease('w1');
    expect((await room.send(room.claimOp())).status).toBe('LOST');
    await room.send(registerWorker(registration));
    expect((await room.send(room.claimOp())).status).toBe('OK');
    expect((await room.send(renewLease({ workerId: 'w1', leaseMs: 1, running: 0, stalledRunIds: [] }))).status).toBe('OK');
  });

  it('queues again what is left of the runs of a lost lease, as recoveries with new fences', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(registerWorker(registration));
    expect(await room.owned()).toEqual([]);
    expect(await room.passes('r1')).toBe('l');
    expect(await room.field('r1', 'f')).toBe(room.fenceOf('r1', 1));
    expect(await room.claimAnew()).toMatchObject({ run: { id: 'r1', recoveries: 1 } });
  });

  it('gives back 100 runs per call and answers AGAIN while some remain', async () => {
    const room = openEngineRoom();
    await room.register();
    await Promise.all(Array.from({ length: 230 }, (_, index) => room.create({ id: `r${index}` })));
    expect(idsOf(await room.claim('w1', { want: 230 }))).toHaveLength(230);
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await room.send(registerWorker(registration))).status);
    expect(statuses).toEqual(['AGAIN', 'AGAIN', 'OK']);
    expect(await room.queued()).toHaveLength(230);
  });

  it('gives a worker that was being reaped a clean start', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.createAll('a', 'b', 'c');
    await room.claim();
    await room.expireLease('w1');
    await room.send(reapWorkers(2));
    const beat = renewLease({ workerId: 'w1', leaseMs: 60_000, running: 3, stalledRunIds: [] });
    expect((await room.send(beat)).status).toBe('LOST');
    await room.send(registerWorker(registration));
    expect((await room.send(beat)).status).toBe('OK');
    expect((await room.queued()).sort()).toEqual(['a', 'b', 'c']);
  });
});
