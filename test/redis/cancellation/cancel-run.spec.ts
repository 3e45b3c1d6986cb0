import { describe, expect, it } from '@jest/globals';
import { type Cancellation, cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { findCanceled } from '../../../lib/engine/redis/cancellation/find-canceled.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { awaitRun } from '../../../lib/engine/redis/runs/await-run.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"no"}';

const cancel = (runId = 'r1', overrides: Partial<Cancellation> = {}) =>
  cancelRun({ runId, reason: 'enough', compensate: true, nonce: 'n1', ...overrides });

const sleepOf = (room: EngineRoom) =>
  commitStep({
    runId: 'r1',
    fence: room.fenceOf('r1'),
    name: 'nap',
    kind: 's',
    status: 'w',
    order: 0,
    attempt: 1,
    base: 0,
    elapsedMs: 0,
    wait: { delayMs: 3_600_000 },
    payload: '',
  });

const STATES: Array<[string, (room: EngineRoom) => Promise<unknown>]> = [
  ['scheduled', (room) => room.create({ id: 'r1', start: { delayMs: 60_000 } })],
  ['queued', (room) => room.create({ id: 'r1' })],
  [
    'waiting',
    async (room) => {
      await room.running({ id: 'r1' });
      await room.send(sleepOf(room));
      await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']));
    },
  ],
  [
    'backing off',
    async (room) => {
      await room.running({ id: 'r1' });
      await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 60_000, error: ERROR }));
    },
  ],
];

const outcomes = async (room: EngineRoom) => (await room.send(readAttempts('r1'))).map(({ outcome }) => outcome);

describe('cancelRun()', () => {
  it('takes a run only in the statuses that are named, and a repeat says so again', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(cancel('r1', { only: ['queued', 'scheduled'] }))).toMatchObject({
      status: 'NO',
      runStatus: 'running',
    });
    expect(await room.field('r1', 'cr')).toBeNull();
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    const op = cancel('r1', { only: ['queued', 'scheduled'] });
    expect(await room.send(op)).toMatchObject({ status: 'YES', runStatus: 'canceled' });
    expect(await room.repeat(op)).toMatchObject({ status: 'YES', runStatus: 'canceled' });
    expect(await room.send(cancel('nobody', { only: ['queued'] }))).toEqual({ status: 'MISSING' });
  });

  it.each(STATES)('ends a run that is %s at once, and a repeat says so again', async (_, arrange) => {
    const room = openEngineRoom();
    await arrange(room);
    expect(await room.send(cancel())).toEqual({ status: 'YES', runStatus: 'canceled', more: false });
    expect(await room.repeat(cancel())).toEqual({ status: 'YES', runStatus: 'canceled', more: false });
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'canceled', cancelReason: 'enough', cancelRequestedAt: run?.finishedAt });
    expect(run).not.toHaveProperty('error');
    expect(await room.due()).toEqual([]);
    expect(await room.queued()).toEqual([]);
    expect(await room.redis.lrange(room.key('ended'), 0, -1)).toEqual(['r1']);
    await room.register();
    expect(await room.claim()).toEqual([]);
  });

  it('takes a suspect out of its queue', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    for (let crash = 0; crash < 3; crash++) {
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      await room.register();
      if (crash < 2) await room.claim();
    }
    expect(await room.redis.zcard(room.key('suspects:default'))).toBe(1);
    await room.send(cancel());
    expect(await room.redis.zcard(room.key('suspects:default'))).toBe(0);
  });

  it('answers a second cancellation with NO and leaves the first', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    await room.send(cancel());
    const second = cancel('r1', { nonce: 'n2', reason: 'other' });
    expect(await room.repeat(second)).toEqual({ status: 'NO', runStatus: 'canceled', more: false });
  });

  it.each(['succeeded', 'failed'] as const)('answers NO for a run that has %s', async (outcome) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), outcome, ERROR));
    expect(await room.repeat(cancel())).toEqual({ status: 'NO', runStatus: outcome, more: false });
  });

  it('answers MISSING for an unknown run', async () => {
    expect(await openEngineRoom().send(cancel('nobody'))).toEqual({ status: 'MISSING' });
  });

  it('tells clients that wait, those that come later, and gives them the reason', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    await room.send(awaitRun('r1', 'c1'));
    await room.send(cancel('r1', { reason: 'a "reason"' }));
    expect(await room.redis.exists(room.key('waiters:r1'))).toBe(0);
    const awaited = await room.send(awaitRun('r1', 'c1'));
    expect(awaited).toMatchObject({ status: 'ENDED', end: { outcome: 'canceled' } });
    expect(JSON.parse((awaited as { end: { payload: string } }).end.payload)).toEqual({
      name: 'RunCanceledError',
      code: 'RUN_CANCELED',
      message: 'Run "r1" was canceled: a "reason"',
      runId: 'r1',
      reason: 'a "reason"',
    });
  });
});

describe('cancelRun() of a running run', () => {
  it('leaves it to its worker, which gets a hint, once', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(findCanceled(['r1']))).toEqual(new Map());
    expect(await room.send(cancel())).toEqual({ status: 'YES', runStatus: 'running', more: false });
    expect(await room.repeat(cancel())).toMatchObject({ status: 'YES', runStatus: 'running' });
    expect(await room.redis.lrange(room.keys.wake('w1'), 0, -1)).toEqual(['run:r1']);
    expect(await room.send(findCanceled(['r0', 'r1']))).toEqual(new Map([['r1', 'enough']]));
    expect(await room.repeat(cancel('r1', { nonce: 'n2' }))).toMatchObject({ status: 'NO', runStatus: 'running' });
  });

  it.each([
    ['success', (fence: string) => finishRun('r1', fence, 'succeeded', '1')],
    ['failure', (fence: string) => finishRun('r1', fence, 'failed', ERROR)],
    ['the worker', (fence: string) => finishRun('r1', fence, 'canceled', '')],
    ['a retry', (fence: string) => backOffRun({ runId: 'r1', fence, delayMs: 1_000, error: ERROR })],
    ['a hand-back', (fence: string) => releaseRun('r1', fence, 0)],
    ['a delayed hand-back', (fence: string) => releaseRun('r1', fence, 5_000, true)],
  ])('ends canceled by %s, once', async (_, opOf) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(cancel());
    const op = opOf(room.fenceOf('r1'));
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('DONE');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'canceled', attempt: 1 });
    expect(run).not.toHaveProperty('output');
    expect(run).not.toHaveProperty('error');
    expect(await outcomes(room)).toEqual(['canceled']);
    expect(await room.owned()).toEqual([]);
    expect(await room.queued()).toEqual([]);
    expect(await room.due()).toEqual([]);
  });

  it('in a later pass records that pass', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 0, error: ERROR }));
    await room.claim();
    await room.send(cancel());
    const op = finishRun('r1', room.fenceOf('r1'), 'succeeded', '1');
    await room.send(op);
    expect(await room.repeat(op)).toBe('DONE');
    expect(await outcomes(room)).toEqual(['failed', 'canceled']);
    expect(await room.send(readRun('r1'))).not.toHaveProperty('error');
  });

  it('does not park it: the handler is to be told', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(sleepOf(room));
    await room.send(cancel());
    const park = parkRun('r1', room.fenceOf('r1'), undefined, ['nap']);
    expect(await room.repeat(park)).toMatchObject({ status: 'CANCELED', reason: 'enough' });
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'running' });
  });

  it('starts no child of it', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(cancel());
    const start = { runId: 'r1', fence: room.fenceOf('r1'), step: 'kid', waits: true, order: 0 };
    const op = startChild({ ...start, child: room.newRun({ id: 'kid' }) });
    expect(await room.repeat(op)).toMatchObject({ status: 'CANCELED', reason: 'enough' });
    expect(await room.send(readRun('kid'))).toBeNull();
  });

  it('ends it when its worker is lost, and refuses what that worker still writes', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r1' });
    await room.send(cancel());
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled', recoveries: 1 });
    expect(await outcomes(room)).toEqual(['lost']);
    expect(await room.repeat(finishRun('r1', fence, 'succeeded', '1'))).toBe('LOST');
    expect(await room.queued()).toEqual([]);
  });
});
