import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { finishUnwinding } from '../../../lib/engine/redis/compensation/finish-unwinding.js';
import { unwindRun } from '../../../lib/engine/redis/compensation/unwind-run.js';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { awaitRun } from '../../../lib/engine/redis/runs/await-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { completed } from '../../support/completed-step.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"no"}';
const LOCKED = { name: 'Error', message: 'locked', step: 'A' };

async function unwinding(towards: 'failed' | 'canceled'): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r1' });
  await room.send(completed('r1', room.fenceOf('r1'), 'A', 1));
  if (towards === 'failed') await room.send(unwindRun('r1', room.fenceOf('r1'), ERROR));
  else {
    await room.send(cancelRun({ runId: 'r1', reason: 'why', compensate: true, nonce: 'n' }));
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
  }
  await room.claim();
  return room;
}

describe('finishUnwinding()', () => {
  it.each(['failed', 'canceled'] as const)('writes that the run %s, once, and tells who waits', async (outcome) => {
    const room = await unwinding(outcome);
    await room.send(awaitRun('r1', 'c1'));
    const op = finishUnwinding('r1', room.fenceOf('r1'), '', '');
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('DONE');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: outcome, attempt: 1 });
    expect(run).not.toHaveProperty('compensating');
    expect(run).not.toHaveProperty('compensationErrors');
    expect(await room.redis.exists(room.key('waiters:r1'))).toBe(0);
    const awaited = await room.send(awaitRun('r1', 'c1'));
    const { payload } = (awaited as { end: { payload: string } }).end;
    expect(JSON.parse(payload)).toMatchObject(outcome === 'failed' ? { message: 'no' } : { reason: 'why' });
    expect((await room.send(readAttempts('r1'))).map((pass) => [pass.attempt, pass.outcome])).toEqual([
      [1, outcome],
      [1, outcome],
    ]);
    expect(await room.owned()).toEqual([]);
  });

  it('keeps the errors of compensations and starts the failure hook', async () => {
    const room = await unwinding('failed');
    await room.send(finishUnwinding('r1', room.fenceOf('r1'), JSON.stringify([LOCKED]), 'hook'));
    expect(await room.send(readRun('r1'))).toMatchObject({
      status: 'failed',
      compensationErrors: [LOCKED],
      failureHook: { status: 'pending' },
    });
    expect(await room.queued()).toEqual(['hook']);
  });

  it('refuses an earlier fence', async () => {
    const room = await unwinding('failed');
    expect(await room.repeat(finishUnwinding('r1', room.fenceOf('r1', -1), '', ''))).toBe('LOST');
  });
});
