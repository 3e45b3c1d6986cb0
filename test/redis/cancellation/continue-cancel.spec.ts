import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { continueCancel } from '../../../lib/engine/redis/cancellation/continue-cancel.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const cancel = (runId: string) => cancelRun({ runId, reason: 'enough', compensate: true, nonce: `n-${runId}` });

async function spawn(room: EngineRoom, parent: string, child: string, idempotencyKey?: string): Promise<void> {
  const start = { runId: parent, fence: room.fenceOf(parent), step: child, waits: false, order: 1 };
  await room.send(startChild({ ...start, child: room.newRun({ id: child, idempotencyKey }) }));
}

async function continueAll(room: EngineRoom): Promise<number> {
  let calls = 1;
  while (await room.send(continueCancel())) calls++;
  return calls;
}

const run = (room: EngineRoom, id: string) => room.send(readRun(id));

describe('continueCancel()', () => {
  it('has nothing to do where nothing was canceled', async () => {
    const room = openEngineRoom();
    expect(await room.repeat(continueCancel())).toBe(false);
  });

  it('cancels children and their children, running ones too, and once', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    await spawn(room, 'root', 'mid');
    await room.claim();
    await spawn(room, 'mid', 'leaf');
    expect(await room.send(cancel('root'))).toEqual({ status: 'YES', runStatus: 'running', more: true });
    await continueAll(room);
    expect(await room.repeat(continueCancel())).toBe(false);
    expect(await run(room, 'mid')).toMatchObject({ status: 'running', cancelReason: 'Parent run "root" was canceled' });
    expect(await run(room, 'leaf')).toMatchObject({ status: 'canceled', cancelReason: 'Parent run "mid" was canceled' });
    expect(await room.redis.exists(room.key('canceling'))).toBe(0);
  });

  it('goes through a child that has ended', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    await spawn(room, 'root', 'mid');
    await room.claim();
    await spawn(room, 'mid', 'leaf');
    await room.send(finishRun('mid', room.fenceOf('mid'), 'succeeded', ''));
    await room.send(cancel('root'));
    await continueAll(room);
    expect(await run(room, 'mid')).toMatchObject({ status: 'succeeded' });
    expect(await run(room, 'leaf')).toMatchObject({ status: 'canceled', cancelReason: 'Ancestor run "root" was canceled' });
  });

  it('leaves a run that an idempotency key named and that existed before', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'older', idempotencyKey: 'k' });
    await room.running({ id: 'root' });
    await spawn(room, 'root', 'kid', 'k');
    expect(await room.send(cancel('root'))).toMatchObject({ more: false });
    expect(await run(room, 'older')).not.toHaveProperty('cancelRequestedAt');
  });

  it('has nothing to do for a run that only lost its worker', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    await spawn(room, 'root', 'kid');
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.send(continueCancel())).toBe(false);
    expect(await run(room, 'root')).toMatchObject({ status: 'queued' });
    expect(await run(room, 'kid')).toMatchObject({ status: 'queued' });
  });

  it('takes many children in bounded calls and misses none', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    for (let i = 0; i < 700; i++) await spawn(room, 'root', `kid-${i}`);
    await room.send(cancel('root'));
    expect(await continueAll(room)).toBeGreaterThan(3);
    for (let i = 0; i < 700; i++) expect(await room.field(`kid-${i}`, 'st')).toBe('c');
    expect(await room.queued()).toEqual([]);
  });
});
