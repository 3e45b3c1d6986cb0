import { describe, expect, it } from '@jest/globals';
import { unwindRun } from '../../../lib/engine/redis/compensation/unwind-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { idsOf, openEngineRoom } from '../../support/engine-room.js';

describe('releaseRun()', () => {
  it('leaves its start and its mutex to a run that is to be compensated, also when it was claimed twice in one millisecond', async () => {
    const room = openEngineRoom();
    await room.register();
    for (const id of ['r1', 'r2']) {
      await room.create({ id });
      await room.redis.hset(room.keys.run(id), 'mx', 'k');
    }
    expect(idsOf(await room.claim())).toEqual(['r1']);
    await room.send(unwindRun('r1', room.fenceOf('r1'), '{}'));
    expect(idsOf(await room.claim())).toEqual(['r1']);
    const start = await room.redis.hget(room.keys.run('r1'), 'sa');
    await room.redis.hset(room.keys.run('r1'), 'ca', String(start));
    await room.send(releaseRun('r1', room.fenceOf('r1'), 5_000, true));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'waiting', startedAt: Number(start) });
    expect(await room.claim()).toEqual([]);
  });

  it('hands a run back, not as an attempt and not as a recovery', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(releaseRun('r1', room.fenceOf('r1'), 0))).toBe('OK');
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'queued', attempt: 1, recoveries: 0 });
    expect(await room.owned()).toEqual([]);
    expect(await room.passes('r1')).toBe('h');
    expect(await room.claimAnew()).toMatchObject({ run: { id: 'r1', failures: 0, recoveries: 0 } });
  });

  it('puts runs before all that wait in their priority, in the order of release, but not before higher ones', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b');
    await room.register();
    expect(await room.claim()).toHaveLength(2);
    await room.createAll('c', 'd');
    await room.create({ id: 'urgent', priority: 1 });
    await room.send(releaseRun('b', room.fenceOf('b'), 0));
    await room.send(releaseRun('a', room.fenceOf('a'), 0));
    expect(idsOf(await room.claim())).toEqual(['urgent', 'b', 'a', 'c', 'd']);
  });

  it('wakes an idle worker', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.register('w2');
    await room.claim('w2');
    await room.redis.srem(await room.idleKey(), 'w1');
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    expect(await room.wakeUps('w2')).toBe(1);
  });

  describe('with a delay', () => {
    it('keeps the run out of the queue meanwhile', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const before = await room.now();
      expect(await room.send(releaseRun('r1', room.fenceOf('r1'), 5_000))).toBe('OK');
      expect((await room.send(readRun('r1')))?.availableAt).toBeGreaterThanOrEqual(before + 5_000);
      expect(await room.claim()).toEqual([]);
      await room.advance(5_000);
      expect(await room.claimAnew()).toMatchObject({ run: { failures: 0, recoveries: 0, handBacks: 0 } });
    });

    it('counts how often workers did not know the workflow; the run has not started then', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r1' });
      await room.send(releaseRun('r1', fence, 5_000, true));
      expect(await room.send(readRun('r1'))).not.toHaveProperty('startedAt');
      await room.advance(5_000);
      const claim = await room.send(room.claimOp());
      const { now } = claim as { now: number };
      expect(claim).toMatchObject({ runs: [{ run: { handBacks: 1, startedAt: now } }] });
      expect(Number(room.fenceOf('r1'))).toBeGreaterThan(Number(fence));
      await room.send(releaseRun('r1', room.fenceOf('r1'), 5_000, true));
      await room.advance(5_000);
      expect((await room.claim())[0].run.handBacks).toBe(2);
    });

    it('takes gates and start from a run that was retried, as from a new one', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1', admission: { mutex: 'm' } });
      await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', '{}'));
      await room.send(retryRun({ runId: 'r1', nonce: 'n', endedAt: Number(await room.field('r1', 'fa')), reopened: [] }));
      await room.claim();
      await room.send(releaseRun('r1', room.fenceOf('r1'), 5_000, true));
      expect(await room.send(readRun('r1'))).not.toHaveProperty('startedAt');
      expect(await room.redis.get(room.key('mutex:5:greet:m'))).toBeNull();
      await room.advance(5_000);
      const claim = await room.send(room.claimOp());
      expect(claim).toMatchObject({ runs: [{ run: { startedAt: (claim as { now: number }).now } }] });
    });

    it('keeps the start of a run that another worker had started', async () => {
      const room = openEngineRoom();
      const { run } = await room.running({ id: 'r1' });
      await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
      await room.advance(1_000);
      await room.claim();
      await room.send(releaseRun('r1', room.fenceOf('r1'), 5_000, true));
      expect(await room.send(readRun('r1'))).toMatchObject({ status: 'waiting', startedAt: run.startedAt });
    });
  });

  it.each([
    [0, false],
    [5_000, false],
    [5_000, true],
  ])('repeated with delay %d, unknown %s, answers DONE and changes nothing', async (delayMs, unknown) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = releaseRun('r1', room.fenceOf('r1'), delayMs, unknown);
    await room.send(op);
    expect(await room.repeat(op)).toBe('DONE');
    expect(await room.passes('r1')).toBe('h');
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(releaseRun(runId, room.fenceOf('r1', offset), 0))).toBe('LOST');
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(releaseRun('r1', room.fenceOf('r1'), 0))).toBe('LOST');
    expect(await room.queued()).toEqual(['r1']);
  });
});
