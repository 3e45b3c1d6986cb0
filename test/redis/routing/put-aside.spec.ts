import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { putAside } from '../../../lib/engine/redis/routing/put-aside.js';
import type { ClaimedRun } from '../../../lib/engine/redis/runs/claim-runs.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

/** Worker `w1` lives alone, serves workflow `greet` and was handed a run of `foreign`. */
async function handed(room: EngineRoom, overrides: Parameters<EngineRoom['create']>[0] = {}): Promise<ClaimedRun> {
  return room.running({ id: 'r1', workflow: 'foreign', ...overrides });
}

describe('putAside()', () => {
  it('lets the run rest, shown as such, with no pass, no attempt and no start', async () => {
    const room = openEngineRoom();
    await room.send(putAside(await handed(room)));
    expect(await room.send(readRun('r1'))).toMatchObject({
      status: 'queued',
      blockedBy: 'worker',
      attempt: 1,
      recoveries: 0,
    });
    expect(await room.send(readRun('r1'))).not.toHaveProperty('startedAt');
    expect(await room.passes('r1')).toBe('');
    expect(await room.owned()).toEqual([]);
    expect(await room.claim()).toEqual([]);
    expect(await room.due()).toEqual([]);
  });

  it('gives it to a worker that serves it, at its old position, as a run that has not begun', async () => {
    const room = openEngineRoom();
    const run = await handed(room);
    await room.create({ id: 'later', workflow: 'foreign' });
    await room.create({ id: 'urgent', workflow: 'foreign', priority: 1 });
    await room.send(putAside(run));
    await room.register('w2', ['default'], { serves: ['foreign'] });
    const claimed = await room.claim('w2');
    expect(idsOf(claimed)).toEqual(['urgent', 'r1', 'later']);
    expect(claimed[1]).toMatchObject({ hasBegun: false, run: { failures: 0, recoveries: 0, handBacks: 0 } });
    expect(await room.send(readRun('r1'))).not.toHaveProperty('blockedBy');
  });

  it('wakes a worker that serves it and came after the claim', async () => {
    const room = openEngineRoom();
    const run = await handed(room);
    await room.register('w2', ['default'], { serves: ['foreign'] });
    await room.claim('w2');
    await room.send(putAside(run));
    expect(await room.wakeUps('w2')).toBe(1);
  });

  it('repeated, answers DONE and changes nothing; LOST when somebody else has claimed it', async () => {
    const room = openEngineRoom();
    const op = putAside(await handed(room));
    await room.send(op);
    expect(await room.repeat(op)).toBe('DONE');
    await room.register('w2', ['default'], { serves: ['foreign'] });
    await room.claim('w2');
    expect(await room.repeat(op)).toBe('LOST');
  });

  it('is told the same by a repeated claim', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'r1', workflow: 'foreign' });
    const claim = room.claimOp();
    const first = await room.send(claim);
    const again = await room.send(claim);
    if (first.status !== 'OK' || again.status !== 'OK') throw new Error('the claim was refused');
    expect(putAside(again.runs[0]).args).toEqual(putAside(first.runs[0]).args);
    await room.send(putAside(again.runs[0]));
    expect((await room.send(claim)) as object).toMatchObject({ runs: [] });
  });

  it('leaves a retried run that began without a version without one, whatever is current when it is claimed', async () => {
    const room = openEngineRoom();
    await handed(room);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', '{"message":"boom"}'));
    const endedAt = Number(await room.field('r1', 'fa'));
    await room.send(retryRun({ runId: 'r1', nonce: 'n', endedAt, reopened: [] }));
    const [retried] = await room.claim();
    await room.send(putAside(retried));
    expect(await room.field('r1', 'sa')).toBeNull();
    await room.redis.hset(room.key('controls'), 'vforeign', '2');
    await room.register('w2', ['default'], { serves: ['foreign', 'foreign\x002'] });
    const [claimed] = await room.claim('w2');
    expect(claimed).toMatchObject({ hasBegun: false, run: { id: 'r1', version: undefined } });
    expect(await room.field('r1', 've')).toBeNull();
  });

  it('keeps the start and the history of a run that had begun', async () => {
    const room = openEngineRoom();
    await room.register('w0', ['default'], { serves: ['foreign'] });
    await room.create({ id: 'r1', workflow: 'foreign' });
    await room.claim('w0');
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    const start = await room.field('r1', 'sa');
    await room.register('w1');
    await room.redis.hset(room.key('controls'), 'set', String(await room.redis.hget(room.key('worker:w1'), 'set')));
    const [run] = await room.claim('w1');
    expect(run).toMatchObject({ hasBegun: true, run: { id: 'r1' } });
    await room.send(putAside(run));
    expect(await room.field('r1', 'sa')).toBe(start);
    expect(await room.passes('r1')).toBe('h');
  });

  it('leaves a run that was retried to start anew', async () => {
    const room = openEngineRoom();
    await handed(room);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', '{}'));
    await room.send(retryRun({ runId: 'r1', nonce: 'n', endedAt: Number(await room.field('r1', 'fa')), reopened: [] }));
    const [run] = await room.claim();
    await room.send(putAside(run));
    expect(await room.field('r1', 'sa')).toBeNull();
    expect(await room.passes('r1')).toBe('f');
    await room.register('w2', ['default'], { serves: ['foreign'] });
    const claim = await room.send(room.claimOp('w2'));
    expect(claim).toMatchObject({ runs: [{ run: { startedAt: (claim as { now: number }).now } }] });
  });

  it('ends a run that was canceled meanwhile', async () => {
    const room = openEngineRoom();
    const run = await handed(room);
    await room.send(cancelRun({ runId: 'r1', reason: '', compensate: true, nonce: 'n' }));
    await room.send(putAside(run));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled' });
    expect(await room.redis.exists(room.key('lanes:default'))).toBe(0);
  });

  it('gives mutex, start of a throttle and slot to those that wait', async () => {
    const room = openEngineRoom();
    const gates = { mutex: 'k', throttle: { limit: 1, periodMs: 60_000, key: 'k' } };
    await room.redis.hset(room.key('controls'), 'cforeign', 1);
    const run = await handed(room, { admission: gates });
    await room.create({ id: 'r2', workflow: 'foreign', admission: gates });
    expect(await room.claim()).toEqual([]);
    await room.send(putAside(run));
    const contents = await room.contents();
    expect(Object.keys(contents).filter((key) => /^(mutex|slots|starts):/.test(key))).toEqual([]);
    await room.register('w2', ['default'], { serves: ['foreign'] });
    const [first] = await room.claim('w2');
    expect(await room.claim('w2')).toEqual([]);
    await room.send(finishRun(first.run.id, first.fence, 'succeeded', ''));
    await room.advance(60_000);
    expect((await room.claim('w2')).length).toBe(1);
  });

  it('keeps what a run that had begun holds of a mutex', async () => {
    const room = openEngineRoom();
    await room.register('w0', ['default'], { serves: ['foreign'] });
    await room.create({ id: 'r1', workflow: 'foreign', admission: { mutex: 'k' } });
    await room.claim('w0');
    await room.send(parkRun('r1', room.fenceOf('r1'), (await room.now()) + 1_000, []));
    await room.register('w1');
    await room.redis.hset(room.key('controls'), 'set', String(await room.redis.hget(room.key('worker:w1'), 'set')));
    await room.advance(1_000);
    const [run] = await room.claim('w1');
    await room.send(putAside(run));
    expect(await room.redis.get(room.key('mutex:7:foreign:k'))).toBe('r1');
  });

  it('keeps a suspect apart', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'r1', workflow: 'foreign' });
    await room.redis.hset(room.keys.run('r1'), 'rs', 3);
    await room.redis.zrem(room.key('queue:default'), 'r1');
    await room.redis.zadd(room.key('suspects:default'), 7, 'r1');
    const [run] = await room.claim();
    expect(run.suspectGroup).toBeGreaterThan(0);
    await room.send(putAside(run));
    await room.create({ id: 'r2', workflow: 'foreign' });
    await room.register('w2', ['default'], { serves: ['foreign'] });
    expect(idsOf(await room.claim('w2', { suspects: { most: 0, held: 0, aloneFrom: 7 } }))).toEqual(['r2']);
    const [suspect] = await room.claim('w2');
    expect(suspect).toMatchObject({ position: '7', run: { id: 'r1' } });
    expect(suspect.suspectGroup).toBeGreaterThan(0);
  });
});
