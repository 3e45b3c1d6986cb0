import { describe, expect, it } from '@jest/globals';
import { readRunData } from '../../../lib/engine/redis/run-data/read-run-data.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { storeProgress } from '../../../lib/engine/redis/steps/store-progress.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('storeProgress()', () => {
  it('keeps the last value of a step, apart from its record', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '1' });
    expect(await room.send(storeProgress('r1', room.fenceOf('r1'), 'import', '{"rows":1}'))).toBe('OK');
    expect(await room.send(storeProgress('r1', room.fenceOf('r1'), 'import', '{"rows":2}'))).toBe('OK');
    const data = await readRunData(room.buffer, room.connection, room.keys, 'r1');
    expect([...data.progress]).toEqual([['import', '{"rows":2}']]);
    expect(data.steps.size).toBe(0);
    expect(data.input).toBe('1');
  });

  it('is handed to the next owner of the run', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(storeProgress('r1', room.fenceOf('r1'), 'import', '7'));
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register('w2');
    expect((await room.claim('w2'))[0].data?.progress.get('import')).toBe('7');
  });

  it('repeated, answers OK and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = storeProgress('r1', room.fenceOf('r1'), 'import', '7');
    await room.send(op);
    expect(await room.repeat(op)).toBe('OK');
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(storeProgress(runId, room.fenceOf('r1', offset), 'import', '7'))).toBe('LOST');
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(storeProgress('r1', room.fenceOf('r1'), 'import', '7'))).toBe('LOST');
  });

  it('refuses a pass that has ended with DONE', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.repeat(storeProgress('r1', room.fenceOf('r1'), 'import', '7'))).toBe('DONE');
  });
});
