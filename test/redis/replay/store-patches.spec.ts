import { describe, expect, it } from '@jest/globals';
import { finishHook } from '../../../lib/engine/redis/failure-hook/finish-hook.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { storePatches } from '../../../lib/engine/redis/replay/store-patches.js';
import { packRuns } from '../../../lib/engine/redis/retention/pack-runs.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { storeProgress } from '../../../lib/engine/redis/steps/store-progress.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"boom"}';
const ANSWERS = '{"fraud-check":false}';

describe('storePatches()', () => {
  it('keeps the answers on the run', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(storePatches('r1', room.fenceOf('r1'), ANSWERS))).toBe('OK');
    expect(await room.send(readRun('r1'))).toMatchObject({ patches: { 'fraud-check': false } });
  });

  it('repeated, answers OK and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = storePatches('r1', room.fenceOf('r1'), ANSWERS);
    await room.send(op);
    expect(await room.repeat(op)).toBe('OK');
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(storePatches(runId, room.fenceOf('r1', offset), ANSWERS))).toBe('LOST');
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(storePatches('r1', room.fenceOf('r1'), ANSWERS))).toBe('LOST');
  });

  it('refuses a pass that has ended with DONE', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.repeat(storePatches('r1', room.fenceOf('r1'), ANSWERS))).toBe('DONE');
  });
});

describe('open runs by answer', () => {
  const open = (room: EngineRoom) => room.redis.hgetall(room.key('open:greet'));

  it('count from the answer until the end of the run, once, and again from its retry', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const first = storePatches('r1', room.fenceOf('r1'), '{"a":true}');
    await room.send(first);
    await room.repeat(first);
    expect(await open(room)).toEqual({ p1a: '1' });
    await room.send(storePatches('r1', room.fenceOf('r1'), '{"a":true,"b":false}'));
    expect(await open(room)).toEqual({ p1a: '1', p0b: '1' });
    const finish = finishRun('r1', room.fenceOf('r1'), 'failed', ERROR);
    await room.send(finish);
    await room.repeat(finish);
    expect(await open(room)).toEqual({});
    // Packed, it is the same.
    await room.send(packRuns(10, 0));
    const endedAt = Number(await room.field('r1', 'fa'));
    const retry = retryRun({ runId: 'r1', nonce: 'n', endedAt, reopened: [] });
    await room.send(retry);
    await room.repeat(retry);
    expect(await open(room)).toEqual({ p1a: '1', p0b: '1' });
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await open(room)).toEqual({});
  });

  it('count with the answer and the end in one call', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const fence = room.fenceOf('r1');
    await Promise.all([
      room.send(storeProgress('r1', fence, 'step', '1')),
      room.send(storePatches('r1', fence, '{"a":true}')),
      room.send(finishRun('r1', fence, 'succeeded', '')),
    ]);
    expect(await open(room)).toEqual({});
  });

  it('count a failed run until its failure hook has ended, with the answers of the run only', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(storePatches('r1', room.fenceOf('r1'), '{"a":true}'));
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, 'hook'));
    await room.claim();
    const fence = room.fenceOf('hook');
    await room.send(storePatches('hook', fence, '{"a":true,"b":true}'));
    expect(await open(room)).toEqual({ p1a: '1' });
    const end = finishHook({ runId: 'hook', fence, failedRunId: 'r1' }, '');
    await room.send(end);
    await room.repeat(end);
    expect(await open(room)).toEqual({});
  });

  it('count no failed run whose hook nobody has served for so long', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(storePatches('r1', room.fenceOf('r1'), '{"a":true}'));
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, 'hook'));
    await room.advance(8 * 86_400_000);
    await room.send(sweepHistory(86_400_000, 10));
    expect(await open(room)).toEqual({});
  });
});
