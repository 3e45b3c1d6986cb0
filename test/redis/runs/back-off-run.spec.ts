import { describe, expect, it } from '@jest/globals';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { backOffRun, type FailedAttempt } from '../../../lib/engine/redis/runs/back-off-run.js';
import type { Op, WriteStatus } from '../../../lib/engine/redis/script/op.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

function failed(room: EngineRoom, overrides: Partial<FailedAttempt> = {}): Op<WriteStatus> {
  const fixed = { runId: 'r1', delayMs: 30_000, error: '{"name":"Error","message":"no"}' };
  return backOffRun({ ...fixed, fence: room.fenceOf('r1'), ...overrides });
}

describe('backOffRun()', () => {
  it('counts the failure and parks the run for its delay', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const before = await room.now();
    expect(await room.send(failed(room))).toBe('OK');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'waiting', attempt: 2, error: { message: 'no' } });
    expect(run?.availableAt).toBeGreaterThanOrEqual(before + 30_000);
    expect(run?.availableAt).toBeLessThanOrEqual((await room.now()) + 30_000);
    expect(await room.owned()).toEqual([]);
    expect(await room.claim()).toEqual([]);
    expect(await room.send(readAttempts('r1'))).toMatchObject([
      { attempt: 1, outcome: 'failed', workerId: 'w1', error: { message: 'no' } },
    ]);
    await room.advance(30_000);
    expect(await room.claimAnew()).toMatchObject({ run: { id: 'r1', failures: 1, recoveries: 0 } });
  });

  it('waits no longer than the deadline of the run', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const deadline = (await room.now()) + 5_000;
    await room.send(failed(room, { deadline }));
    expect((await room.send(readRun('r1')))?.availableAt).toBe(deadline);
  });

  it('makes the run due at once for a delay of 0', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(failed(room, { delayMs: 0 }));
    expect(await room.claim()).toHaveLength(1);
  });

  it('rounds the delay down to whole milliseconds', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(failed(room, { delayMs: 1_234.56 }));
    expect(Number.isInteger((await room.send(readRun('r1')))?.availableAt)).toBe(true);
  });

  it('repeated, answers DONE and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(failed(room));
    expect(await room.repeat(failed(room))).toBe('DONE');
    expect(await room.field('r1', 'n')).toBe('1');
    expect(await room.passes('r1')).toBe('f');
  });

  it('wakes an idle worker that would look too late otherwise', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(failed(room));
    expect(await room.wakeUps('w1')).toBe(1);
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(failed(room, { runId, fence: room.fenceOf('r1', offset) }))).toBe('LOST');
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(failed(room))).toBe('LOST');
  });
});
