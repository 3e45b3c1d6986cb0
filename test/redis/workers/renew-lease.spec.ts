import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { FIRST_PAGE, renewLease } from '../../../lib/engine/redis/workers/renew-lease.js';
import { openEngineRoom } from '../../support/engine-room.js';

const beat = (workerId = 'w1') => renewLease({ workerId, leaseMs: 90_000, running: 3, stalledRunIds: ['r1', 'r"2'] });

describe('renewLease()', () => {
  it('puts the end of the lease off and says how the worker does', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.redis.zadd(room.key('workers'), (await room.now()) + 1_000, 'w1');
    const { status, now } = await room.send(beat());
    expect(status).toBe('OK');
    expect(Number(await room.redis.zscore(room.key('workers'), 'w1'))).toBe(now + 90_000);
    const stats = await room.send(readStats());
    expect(stats.workers).toMatchObject([{ id: 'w1', running: 3, lastSeenAt: now }]);
    expect(stats.stalledRuns).toEqual(['r1', 'r"2']);
  });

  it('lists all runs that the worker owns, some at a time', async () => {
    const room = openEngineRoom();
    await room.register();
    const ids = Array.from({ length: 700 }, (_, number) => `r${number}`);
    await room.createAll(...ids);
    await room.claim('w1', { want: 700 });
    const listed: string[] = [];
    let pages = 0;
    let cursor = FIRST_PAGE;
    do {
      const page = await room.send(renewLease({ workerId: 'w1', leaseMs: 90_000, running: 700, stalledRunIds: [], cursor }));
      if (page.status === 'LOST') throw new Error('the lease is lost');
      listed.push(...page.owned);
      cursor = page.cursor;
      pages++;
    } while (cursor !== FIRST_PAGE);
    expect([...new Set(listed)].sort()).toEqual(ids.sort());
    expect(pages).toBeGreaterThan(3);
  });

  it('keeps the runs of a worker whose lease ran out unnoticed', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    expect((await room.send(beat())).status).toBe('OK');
    expect(await room.send(reapWorkers(10))).toEqual({ runs: 0, more: false });
    expect(await room.owned()).toEqual(['r1']);
  });

  it('repeated, renews again and answers OK', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.send(beat());
    expect((await room.send(beat())).status).toBe('OK');
    expect((await room.send(readStats())).workers).toHaveLength(1);
  });

  it('answers LOST to an unknown worker, and does not make it known', async () => {
    const room = openEngineRoom();
    expect((await room.repeat(beat('stranger'))).status).toBe('LOST');
    expect((await room.send(readStats())).workers).toEqual([]);
  });

  it('answers LOST to a worker that was reaped', async () => {
    const room = openEngineRoom();
    await room.running();
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect((await room.repeat(beat())).status).toBe('LOST');
  });

  it('answers LOST to a worker of which only a part was reaped so far', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.createAll('a', 'b');
    await room.claim();
    await room.expireLease('w1');
    expect(await room.send(reapWorkers(1))).toEqual({ runs: 1, more: true });
    expect((await room.repeat(beat())).status).toBe('LOST');
    expect(await room.send(reapWorkers(10))).toMatchObject({ runs: 1 });
  });
});
