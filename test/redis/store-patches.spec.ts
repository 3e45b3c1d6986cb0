import { describe, expect, it } from '@jest/globals';
import { finishRun } from '../../lib/engine/redis/finish-run.js';
import { readRun } from '../../lib/engine/redis/read-run.js';
import { reapWorkers } from '../../lib/engine/redis/reap-workers.js';
import { storePatches } from '../../lib/engine/redis/store-patches.js';
import { openEngineRoom } from '../support/engine-room.js';

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
