import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { findCanceled } from '../../../lib/engine/redis/cancellation/find-canceled.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { finishHook } from '../../../lib/engine/redis/failure-hook/finish-hook.js';
import { listRuns } from '../../../lib/engine/redis/queries/list-runs.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const DAY_MS = 86_400_000;

const ERROR = '{"name":"Error","message":"no"}';

/** A failed run whose hook is in the hands of worker `w1`. */
async function hooked(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r1', workflow: 'flow', priority: 3 });
  const finish = finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, 'hook');
  expect(await room.send(finish)).toBe('OK');
  expect(await room.repeat(finish)).toBe('DONE');
  return room;
}

const finish = (room: EngineRoom, error = '', fence = room.fenceOf('hook')) =>
  finishHook({ runId: 'hook', fence, failedRunId: 'r1' }, error);

describe('finishRun() with a failure hook', () => {
  it('queues the hook, which is in no list, and keeps the run until it has ended', async () => {
    const room = await hooked();
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'failed', failureHook: { status: 'pending' } });
    const page = await room.send(listRuns({ sort: 'asc', limit: 10, statuses: [] }));
    expect(page.items.map(({ id }) => id)).toEqual(['r1']);
    await room.advance(10_000);
    expect((await room.send(sweepHistory(1, 10))).deleted).toBe(0);
    const [claimed] = await room.claim();
    expect(claimed.run).toMatchObject({
      id: 'hook',
      hookOf: 'r1',
      workflow: 'flow',
      priority: 3,
      maxAttempts: 3,
      rootRunId: 'r1',
    });
  });

  it.each(['succeeded', 'canceled'] as const)('starts none when the run has %s', async (outcome) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), outcome, '', 'hook'));
    expect(await room.queued()).toEqual([]);
    expect(await room.send(readRun('r1'))).not.toHaveProperty('failureHook');
  });

  it('starts none when the run was canceled before it failed', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(cancelRun({ runId: 'r1', reason: '', compensate: true, nonce: 'n' }));
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, 'hook'));
    expect(await room.queued()).toEqual([]);
  });
});

describe('finishHook()', () => {
  it.each([
    ['succeeded', '', { status: 'succeeded' }],
    ['failed', ERROR, { status: 'failed', error: { name: 'Error', message: 'no' } }],
  ])('writes that it has %s to the failed run, once, and leaves nothing', async (_, error, failureHook) => {
    const room = await hooked();
    await room.claim();
    const op = finish(room, error);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('DONE');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'failed', attempt: 1, error: { message: 'no' } });
    expect(run?.failureHook).toEqual(failureHook);
    expect(await room.send(readRun('hook'))).toBeNull();
    expect(await room.owned()).toEqual([]);
    await room.advance(10_000);
    expect((await room.send(sweepHistory(1, 10))).deleted).toBe(1);
  });

  it('begins the retention of the failed run, which is not deleted before', async () => {
    const room = await hooked();
    await room.claim();
    await room.advance(2 * DAY_MS);
    await room.send(finish(room));
    expect((await room.send(sweepHistory(DAY_MS, 10))).deleted).toBe(0);
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 10))).deleted).toBe(1);
    await room.advance(30 * DAY_MS);
    await room.send(sweepHistory(DAY_MS, 10));
    expect(Object.keys(await room.contents()).filter((key) => key === 'hooks' || key === 'ended')).toEqual([]);
  });

  it.each([
    ['in its queue', async () => {}],
    ['with a worker', (room: EngineRoom) => room.claim()],
  ])('never comes to it when the hook has stayed %s for a week: hook and run are deleted', async (_, arrange) => {
    const room = await hooked();
    await arrange(room);
    await room.advance(7 * DAY_MS - 60_000);
    expect((await room.send(sweepHistory(DAY_MS, 10))).deleted).toBe(0);
    await room.advance(60_000);
    expect((await room.send(sweepHistory(DAY_MS, 10))).deleted).toBe(1);
    expect((await room.repeat(sweepHistory(DAY_MS, 10))).deleted).toBe(0);
    const left = Object.keys(await room.contents()).filter((key) => /hook|r1|queue:|list:|ended/.test(key));
    expect(left).toEqual([]);
  });

  it('waits for no event any more then', async () => {
    const room = await hooked();
    await room.claim();
    const waiting = { runId: 'hook', fence: room.fenceOf('hook'), step: 'reply' };
    await room.send(awaitEvent(waiting, { event: 'replied', correlationKey: 'k', lookback: 'run' }));
    await room.send(parkRun('hook', room.fenceOf('hook'), undefined, ['reply']));
    await room.advance(7 * DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 10))).deleted).toBe(1);
    expect(Object.keys(await room.contents()).filter((key) => key.startsWith('listen'))).toEqual([]);
  });

  it('waits longer for the hook when ended runs are kept longer', async () => {
    const room = await hooked();
    await room.advance(29 * DAY_MS);
    expect((await room.send(sweepHistory(30 * DAY_MS, 10))).deleted).toBe(0);
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(30 * DAY_MS, 10))).deleted).toBe(1);
  });

  it('refuses the fence of an earlier owner', async () => {
    const room = await hooked();
    await room.claim();
    expect(await room.repeat(finish(room, '', room.fenceOf('hook', -1)))).toBe('LOST');
  });

  it('may be retried before, and deletes its history too', async () => {
    const room = await hooked();
    await room.claim();
    await room.send(backOffRun({ runId: 'hook', fence: room.fenceOf('hook'), delayMs: 0, error: ERROR }));
    await room.claim();
    await room.send(finish(room));
    const left = Object.keys(await room.contents()).filter((key) => key.endsWith(':hook'));
    expect(left).toEqual([]);
  });

  it('cannot be canceled by its own id, and its children are those of the failed run', async () => {
    const room = await hooked();
    await room.claim();
    expect(await room.send(cancelRun({ runId: 'hook', reason: '', compensate: true, nonce: 'n' }))).toEqual({
      status: 'MISSING',
    });
    const start = { runId: 'hook', fence: room.fenceOf('hook'), step: 'kid', waits: false, order: 1 };
    await room.send(startChild({ ...start, child: room.newRun({ id: 'kid' }) }));
    expect(await room.send(readRun('kid'))).toMatchObject({ parentRunId: 'r1', parentStep: 'kid', rootRunId: 'r1' });
    expect(await room.redis.zrange(room.key('children:r1'), '0', '-1')).toEqual(['kid']);
  });
});

describe('cancelRun() of a failure hook', () => {
  const cancelHook = (nonce = 'n') => cancelRun({ runId: 'r1', reason: 'why', compensate: true, nonce, failureHook: true });
  const YES = { status: 'YES', runStatus: 'failed', more: false };
  const CANCELED = {
    status: 'failed',
    error: {
      name: 'RunCanceledError',
      code: 'RUN_CANCELED',
      message: 'The failure hook of run "r1" was canceled: why',
      runId: 'r1',
      reason: 'why',
    },
  };
  const expectEnded = async (room: EngineRoom) => {
    expect((await room.send(readRun('r1')))?.failureHook).toEqual(CANCELED);
    const contents = await room.contents();
    expect(Object.keys(contents).filter((key) => key.endsWith(':hook'))).toEqual([]);
    expect(contents.ended).toEqual(['r1']);
    expect(await room.owned()).toEqual([]);
    expect([...(await room.queued()), ...(await room.due())]).toEqual([]);
  };

  it('ends one in its queue at once, for one call', async () => {
    const room = await hooked();
    expect(await room.send(cancelHook())).toEqual(YES);
    expect(await room.repeat(cancelHook())).toEqual(YES);
    expect(await room.repeat(cancelHook('other'))).toEqual({ ...YES, status: 'NO' });
    await expectEnded(room);
  });

  it.each([
    ['has succeeded', (room: EngineRoom) => finish(room)],
    ['has failed', (room: EngineRoom) => finish(room, ERROR)],
    ['backs off', (room: EngineRoom) => backOffRun({ runId: 'hook', fence: room.fenceOf('hook'), delayMs: 0, error: ERROR })],
    ['is handed back', (room: EngineRoom) => releaseRun('hook', room.fenceOf('hook'), 0)],
  ])('decides over one in execution, that then %s', async (_, end) => {
    const room = await hooked();
    await room.claim();
    expect(await room.send(cancelHook())).toEqual(YES);
    expect(await room.redis.lrange(room.keys.wake('w1'), 0, -1)).toContain('run:hook');
    expect([...(await room.send(findCanceled(['hook'])))]).toEqual([['hook', 'why']]);
    expect(await room.send(end(room) as Op<unknown>)).toBe('OK');
    await expectEnded(room);
  });

  it('ends one whose worker is lost', async () => {
    const room = await hooked();
    await room.claim();
    await room.send(cancelHook());
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await expectEnded(room);
  });

  it('comes too late for one that has ended', async () => {
    const room = await hooked();
    await room.claim();
    await room.send(finish(room));
    expect(await room.repeat(cancelHook())).toEqual({ ...YES, status: 'NO' });
  });
});
