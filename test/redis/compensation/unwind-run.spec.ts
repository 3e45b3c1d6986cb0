import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { findCanceled } from '../../../lib/engine/redis/cancellation/find-canceled.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { unwindRun } from '../../../lib/engine/redis/compensation/unwind-run.js';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { completed } from '../../support/completed-step.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"no"}';
const cancel = (compensate = true, nonce = 'n') => cancelRun({ runId: 'r1', reason: 'why', compensate, nonce });

/** A run in the hands of worker `w1` with a step that has a compensation. */
async function compensable(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r1' });
  await room.send(completed('r1', room.fenceOf('r1'), 'A', 1));
  return room;
}

const passesOf = async (room: EngineRoom) =>
  (await room.send(readAttempts('r1'))).map(({ attempt, outcome }) => [attempt, outcome]);

describe('unwindRun()', () => {
  it.each(['failure', 'cancellation'])('leaves the run to its next claim after a %s, also in the same script', async (end) => {
    const room = await compensable();
    if (end === 'cancellation') await room.send(cancel());
    await room.runner.run([unwindRun('r1', room.fenceOf('r1'), ERROR), room.claimOp()]);
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'running', compensating: true });
    expect(await room.owned()).toEqual(['r1']);
  });

  it('ends the attempt and queues the run at the front, once', async () => {
    const room = await compensable();
    await room.create({ id: 'other' });
    const op = unwindRun('r1', room.fenceOf('r1'), ERROR);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('DONE');
    expect(await room.send(readRun('r1'))).toMatchObject({
      status: 'queued',
      compensating: true,
      attempt: 1,
      error: { message: 'no' },
    });
    expect(await room.queued()).toEqual(['r1', 'other']);
    expect(await room.owned()).toEqual([]);
    expect(await passesOf(room)).toEqual([[1, 'failed']]);
    const [claimed] = await room.claim();
    expect(claimed.run).toMatchObject({ id: 'r1', unwinding: 'f' });
    expect(claimed.data?.error).toBe(ERROR);
  });

  it('forgets the crashes of the handler', async () => {
    const room = await compensable();
    await room.redis.hset(room.keys.run('r1'), 'rs', 7);
    await room.send(unwindRun('r1', room.fenceOf('r1'), ERROR));
    expect((await room.claim())[0]).toMatchObject({ suspectGroup: 0, run: { recoveryStreak: 0 } });
  });

  it('counts its passes to the attempt that has failed', async () => {
    const room = await compensable();
    await room.send(unwindRun('r1', room.fenceOf('r1'), ERROR));
    await room.claim();
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    await room.claim();
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register();
    await room.claim();
    expect(await passesOf(room)).toEqual([
      [1, 'failed'],
      [1, 'handed_back'],
      [1, 'lost'],
      [1, undefined],
    ]);
  });

  it('refuses an earlier fence', async () => {
    const room = await compensable();
    expect(await room.repeat(unwindRun('r1', room.fenceOf('r1', -1), ERROR))).toBe('LOST');
  });

  it('starts no child any more, and cannot be canceled', async () => {
    const room = await compensable();
    await room.send(unwindRun('r1', room.fenceOf('r1'), ERROR));
    expect(await room.repeat(cancel())).toEqual({ status: 'NO', runStatus: 'queued', more: false });
    await room.claim();
    const start = { runId: 'r1', fence: room.fenceOf('r1'), step: 'kid', waits: true, order: 0 };
    const op = startChild({ ...start, child: room.newRun({ id: 'kid' }) });
    expect(await room.repeat(op)).toMatchObject({ status: 'CANCELED' });
  });

  it('unwinds towards canceled when the run was canceled before', async () => {
    const room = await compensable();
    await room.send(cancel());
    await room.send(unwindRun('r1', room.fenceOf('r1'), ERROR));
    expect(await room.field('r1', 'co')).toBe('c');
    expect(await room.send(readRun('r1'))).not.toHaveProperty('error');
  });
});

describe('a canceled run with compensations', () => {
  it.each([
    ['finishes', (room: EngineRoom) => room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'))],
    ['is handed back', (room: EngineRoom) => room.send(releaseRun('r1', room.fenceOf('r1'), 0))],
    [
      'is lost',
      async (room: EngineRoom) => {
        await room.expireLease('w1');
        await room.send(reapWorkers(10));
      },
    ],
  ])('is queued to unwind when it %s', async (_, end) => {
    const room = await compensable();
    await room.send(cancel());
    await end(room);
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'queued', compensating: true, attempt: 1 });
    expect(await room.owned()).toEqual([]);
    await room.register();
    const [claimed] = await room.claim();
    expect(claimed.run).toMatchObject({ unwinding: 'c', recoveryStreak: 0 });
    expect(claimed.data?.cancelReason).toBe('why');
    expect(await room.send(findCanceled(['r1']))).toEqual(new Map());
  });

  it('is queued at once when it is not running; a repeat of the cancellation says so', async () => {
    const room = await compensable();
    await room.send(releaseRun('r1', room.fenceOf('r1'), 60_000));
    expect(await room.send(cancel())).toEqual({ status: 'YES', runStatus: 'queued', more: false });
    expect(await room.repeat(cancel())).toEqual({ status: 'YES', runStatus: 'queued', more: false });
    expect(await room.due()).toEqual([]);
    expect(await room.queued()).toEqual(['r1']);
    expect(await room.repeat(cancel(true, 'other'))).toMatchObject({ status: 'NO', runStatus: 'queued' });
  });

  it('ends at once where none are wanted', async () => {
    const room = await compensable();
    await room.send(cancel(false));
    await room.send(finishRun('r1', room.fenceOf('r1'), 'canceled', ''));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled' });
  });
});
