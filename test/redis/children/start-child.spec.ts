import { describe, expect, it } from '@jest/globals';
import { childIdOf } from '../../../lib/engine/core/ids.js';
import { type ChildStarted, startChild } from '../../../lib/engine/redis/children/start-child.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { readSteps } from '../../../lib/engine/redis/steps/read-steps.js';
import { adoptOutcome } from '../../../lib/engine/redis/waits/adopt-outcome.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const CHILD = childIdOf('parent', 'kid');

interface Choice {
  waits?: boolean;
  timeoutMs?: number;
  fence?: string;
  idempotencyKey?: string;
}

function start(room: EngineRoom, choice: Choice = {}): Op<ChildStarted> {
  const { waits = true, timeoutMs, fence = room.fenceOf('parent'), idempotencyKey } = choice;
  const child = room.newRun({ id: CHILD, nonce: '', idempotencyKey });
  return startChild({ runId: 'parent', fence, step: 'kid', waits, order: waits ? 0 : 1, timeoutMs, child });
}

const stepOf = async (room: EngineRoom) => (await room.send(readSteps('parent', ['kid'])))[0];
const statusOf = async (room: EngineRoom, id: string) => (await room.send(readRun(id)))?.status;

/** A parent that waits for its child, which is running. */
async function waitingParent(timeoutMs?: number): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'parent' });
  await room.send(start(room, { timeoutMs }));
  await room.send(parkRun('parent', room.fenceOf('parent'), undefined, ['kid']));
  await room.claim();
  return room;
}

describe('startChild()', () => {
  it('creates one child, also when it is sent twice', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'parent' });
    const op = start(room);
    const started = await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ ...started, now: expect.any(Number) });
    expect(started).toMatchObject({ status: 'OK', childRunId: CHILD });
    expect(await room.send(readRun(CHILD))).toMatchObject({
      status: 'queued',
      trigger: 'child',
      parentRunId: 'parent',
      parentStep: 'kid',
      rootRunId: 'parent',
    });
    expect(await stepOf(room)).toMatchObject({ kind: 'c', status: 'w', order: 0, moment: 0 });
  });

  it('refuses the fence of an earlier owner and creates nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'parent' });
    expect(await room.send(start(room, { fence: room.fenceOf('parent', -1) }))).toMatchObject({ status: 'LOST' });
    expect(await room.send(readRun(CHILD))).toBeNull();
  });

  it('completes at once when the step does not wait', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'parent' });
    const op = start(room, { waits: false });
    await room.send(op);
    await room.repeat(op);
    expect(await stepOf(room)).toMatchObject({ kind: 'm', status: 's', order: 1, payload: JSON.stringify(CHILD) });
  });

  it('delivers at once a run of its idempotency key that has ended', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'older', idempotencyKey: 'k' });
    await room.send(finishRun('older', room.fenceOf('older'), 'succeeded', '7'));
    await room.running({ id: 'parent' });
    expect(await room.send(start(room, { idempotencyKey: 'k' }))).toMatchObject({ childRunId: 'older' });
    expect(await stepOf(room)).toMatchObject({ status: 'd', payload: '7' });
    expect(await room.send(parkRun('parent', room.fenceOf('parent'), undefined, ['kid']))).toMatchObject({ status: 'READY' });
  });
});

describe('a child whose idempotency key names a run that is gone', () => {
  it('fails the step instead of waiting for ever', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'older', idempotencyKey: 'k' });
    await room.send(finishRun('older', room.fenceOf('older'), 'succeeded', '7'));
    await room.advance(1_000);
    expect((await room.send(sweepHistory(1, 10))).deleted).toBe(1);
    await room.running({ id: 'parent' });
    await room.send(start(room, { idempotencyKey: 'k' }));
    expect(await stepOf(room)).toMatchObject({ status: 'k', payload: expect.stringContaining('RUN_NOT_FOUND') });
    expect(await room.send(readRun('older'))).toBeNull();
  });
});

describe('a child that ends', () => {
  it('queues its parked parent with the outcome, once', async () => {
    const room = await waitingParent();
    expect(await statusOf(room, 'parent')).toBe('waiting');
    expect(await room.due()).toEqual([]);
    const finish = finishRun(CHILD, room.fenceOf(CHILD), 'succeeded', '42');
    await room.send(finish);
    await room.repeat(finish);
    expect(await statusOf(room, 'parent')).toBe('queued');
    expect(await stepOf(room)).toMatchObject({ status: 'd', payload: '42' });
    await room.claim();
    const adopt = adoptOutcome('parent', room.fenceOf('parent'), 'kid', 3, undefined);
    await room.send(adopt);
    await room.repeat(adopt);
    expect(await stepOf(room)).toMatchObject({ status: 's', order: 3, payload: '42' });
  });

  it('delivers its error', async () => {
    const room = await waitingParent();
    await room.send(finishRun(CHILD, room.fenceOf(CHILD), 'failed', '{"name":"Error","message":"x"}'));
    await room.claim();
    await room.send(adoptOutcome('parent', room.fenceOf('parent'), 'kid', 2, undefined));
    expect(await stepOf(room)).toMatchObject({ status: 'k', order: 2, payload: '{"name":"Error","message":"x"}' });
  });

  it('comes too late for a wait whose time has run out', async () => {
    const room = await waitingParent(60_000);
    await room.advance(60_000);
    await room.send(finishRun(CHILD, room.fenceOf(CHILD), 'succeeded', '42'));
    expect(await stepOf(room)).toMatchObject({ status: 'w' });
  });

  it('comes first when it has been delivered before the timeout is written', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'parent' });
    await room.send(start(room, { timeoutMs: 60_000 }));
    await room.claim();
    await room.send(finishRun(CHILD, room.fenceOf(CHILD), 'succeeded', '42'));
    const timeout = { kind: 'c', status: 'f', order: 1, attempt: 1, base: 0, elapsedMs: 0, payload: '{}' } as const;
    const late = commitStep({ ...timeout, runId: 'parent', fence: room.fenceOf('parent'), name: 'kid' });
    expect(await room.send(late)).toMatchObject({ status: 'TAKEN' });
    expect(await stepOf(room)).toMatchObject({ status: 'd', payload: '42' });
  });
});
