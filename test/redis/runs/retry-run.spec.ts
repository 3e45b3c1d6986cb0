import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { finishHook } from '../../../lib/engine/redis/failure-hook/finish-hook.js';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { type RetryAnswer, retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"boom"}';

async function failedRoom(hook = ''): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r1', input: '1' });
  await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, hook));
  return room;
}

async function retryOp(room: EngineRoom, nonce = 'n1', reopened: readonly string[] = []): Promise<Op<RetryAnswer>> {
  return retryRun({ runId: 'r1', nonce, endedAt: Number(await room.field('r1', 'fa')), reopened });
}

const store = (room: EngineRoom, step: string, record: string) => room.redis.hset(room.keys.data('r1'), `s:${step}`, record);
const stored = (room: EngineRoom, step: string) => room.redis.hget(room.keys.data('r1'), `s:${step}`);

describe('retryRun()', () => {
  it('queues a failed run in place, with nothing left of its failure', async () => {
    const room = await failedRoom();
    const op = await retryOp(room);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'queued', attempt: 1, trigger: 'retry', recoveries: 0 });
    expect(Object.keys(run ?? {})).not.toEqual(expect.arrayContaining(['error']));
    expect(run?.finishedAt).toBeUndefined();
    expect(run?.startedAt).toBeUndefined();
    expect(await room.queued()).toEqual(['r1']);
    const contents = await room.contents();
    expect(Object.keys(contents).filter((key) => key.startsWith('list:'))).toEqual([expect.stringMatching(/^list:q/)]);
    expect(contents.ended).toEqual(['r1']);
    expect(await room.field('r1', 'se')).toBe('1');
  });

  it('starts anew with its next claim, and is not swept meanwhile', async () => {
    const room = await failedRoom();
    await room.advance(5_000);
    await room.send(await retryOp(room));
    expect((await room.send(sweepHistory(1, 10))).deleted).toBe(0);
    const claimed = await room.claimAnew();
    expect(claimed.run).toMatchObject({ failures: 0, recoveries: 0 });
    expect(claimed.run.startedAt).toBeGreaterThan(claimed.run.createdAt + 4_000);
    expect(Number(await room.field('r1', 'sa'))).toBe(claimed.run.startedAt);
  });

  it('keeps the history of passes, that of a run that ended in its first one too', async () => {
    const room = await failedRoom();
    const [before] = await room.send(readAttempts('r1'));
    await room.send(await retryOp(room));
    expect(await room.send(readAttempts('r1'))).toEqual([before]);
    await room.claim();
    expect(await room.send(readAttempts('r1'))).toMatchObject([{ outcome: 'failed' }, { attempt: 1 }]);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
    const second = await retryOp(room, 'n2');
    await room.send(second);
    await room.repeat(second);
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    const passes = await room.send(readAttempts('r1'));
    expect(passes.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'succeeded']);
    expect(passes.every(({ startedAt, finishedAt }) => startedAt <= (finishedAt as number))).toBe(true);
  });

  it('forgets waits, opens failed functions again and keeps all other steps', async () => {
    const room = await failedRoom();
    await store(room, 'done', 'r,s,1,1,0,10,20;"a"');
    await store(room, 'failed', 'r,f,2,1,0,10,20;{}');
    await store(room, 'doubtful', 'u,f,2,1,0,10,20;{}');
    await store(room, 'child', 'c,k,3,1,0,10,20;{}');
    const op = await retryOp(room, 'n1', ['failed', 'doubtful', 'child', 'unknown']);
    await room.send(op);
    await room.repeat(op);
    expect(await stored(room, 'done')).toBe('r,s,1,1,0,10,20;"a"');
    expect(await stored(room, 'failed')).toBe('r,x,0,1,0,10,20;{}');
    expect(await stored(room, 'doubtful')).toBe('u,x,0,1,0,10,20;{}');
    expect(await stored(room, 'child')).toBeNull();
  });

  it('lets the old owner write nothing', async () => {
    const room = await failedRoom();
    const fence = room.fenceOf('r1');
    await room.send(await retryOp(room));
    expect(await room.send(finishRun('r1', fence, 'succeeded', '1'))).toBe('DONE');
    await room.claim();
    expect(await room.send(finishRun('r1', fence, 'succeeded', '1'))).toBe('LOST');
  });

  it('has one winner among two calls, and a repeat of its call changes nothing once the run has ended again', async () => {
    const room = await failedRoom();
    const first = await retryOp(room, 'n1');
    expect(await room.send(first)).toBe('OK');
    expect(await room.send(await retryOp(room, 'n2'))).toBe('not_ended');
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
    expect(await room.repeat(first)).toBe('OK');
    expect(await room.field('r1', 'st')).toBe('f');
  });

  it('notices that the run has ended another time since it was looked at', async () => {
    const room = await failedRoom();
    const op = retryRun({ runId: 'r1', nonce: 'n1', endedAt: 1, reopened: [] });
    expect(await room.repeat(op)).toBe('CHANGED');
    expect(await room.field('r1', 'st')).toBe('f');
  });

  it('takes a canceled run that never started; a repeat of the cancellation does not cancel it again', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1', start: { delayMs: 60_000 } });
    const cancel = cancelRun({ runId: 'r1', reason: 'enough', compensate: true, nonce: 'c1' });
    await room.send(cancel);
    const op = await retryOp(room);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'queued' });
    expect(run?.cancelReason).toBeUndefined();
    expect(run?.cancelRequestedAt).toBeUndefined();
    expect(await room.send(cancel)).toMatchObject({ status: 'YES' });
    expect(await room.field('r1', 'st')).toBe('q');
  });

  it('takes a run that was canceled before the filter of its workflow was asked', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    await room.redis.hset(room.keys.run('r1'), 'fc', '1');
    await room.send(cancelRun({ runId: 'r1', reason: '', compensate: true, nonce: 'c1' }));
    expect(await room.send(await retryOp(room))).toBe('OK');
    expect((await room.register()) && (await room.claim())).toMatchObject([{ run: { unjudged: true } }]);
  });

  it('passes its gates anew, and its first start still counts for the throttle', async () => {
    const room = openEngineRoom();
    await room.register();
    for (const id of ['r1', 'r2']) {
      await room.create({ id });
      await room.redis.hset(room.keys.run(id), 'th', '2,60000,k');
    }
    await room.claim('w1', { want: 1 });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
    await room.redis.zadd(room.key('queue:default'), 9e15, 'r2');
    await room.send(await retryOp(room));
    expect(idsOf(await room.claim())).toEqual(['r1']);
    expect(await room.field('r2', 'bl')).toBe('t');
    await room.advance(60_000);
    expect(idsOf(await room.claim())).toEqual(['r2']);
  });

  it('waits until the descendants of a canceled run are canceled', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    await room.send(cancelRun({ runId: 'r1', reason: '', compensate: true, nonce: '' }));
    await room.redis.hset(room.key('canceling'), 'r1', '0,1,r1');
    expect(await room.repeat(await retryOp(room))).toBe('CANCELING');
  });

  it('refuses what cannot go on, and says why', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(await retryOp(room))).toBe('not_ended');
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    expect(await room.send(await retryOp(room))).toBe('not_ended');
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.repeat(await retryOp(room))).toBe('succeeded');
    expect(await room.send(retryRun({ runId: 'nobody', nonce: 'n', endedAt: 0, reopened: [] }))).toBe('MISSING');

    for (const [field, reason] of [
      ['co', 'compensated'],
      ['fc', 'undelivered'],
    ]) {
      const other = await failedRoom();
      await other.redis.hset(other.keys.run('r1'), field, 'f');
      expect(await other.repeat(await retryOp(other))).toBe(reason);
      expect(await other.field('r1', 'st')).toBe('f');
    }
  });

  it('waits for the failure hook, whose run is no run to those outside', async () => {
    const room = await failedRoom('hook');
    expect(await room.repeat(await retryOp(room))).toBe('hook_pending');
    expect(await room.send(retryRun({ runId: 'hook', nonce: 'n', endedAt: 0, reopened: [] }))).toBe('MISSING');
    await room.claim();
    const finish = finishHook({ runId: 'hook', fence: room.fenceOf('hook'), failedRunId: 'r1' }, ERROR);
    await room.send(finish);
    expect(await room.send(await retryOp(room))).toBe('OK');
    expect((await room.send(readRun('r1')))?.failureHook).toBeUndefined();
    expect(await room.send(finish)).toBe('DONE');
  });
});
