import { describe, expect, it } from '@jest/globals';
import { keepInput } from '../../../lib/engine/redis/run-data/keep-input.js';
import { readRunData } from '../../../lib/engine/redis/run-data/read-run-data.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('keepInput()', () => {
  it('keeps what schema and pipes have made beside the input', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '1' });
    expect(await room.send(keepInput('r1', room.fenceOf('r1'), 'is', '2'))).toBe('OK');
    expect(await room.send(keepInput('r1', room.fenceOf('r1'), 'ip', '3'))).toBe('OK');
    const data = await readRunData(room.buffer, room.connection, room.keys, 'r1');
    expect(data).toMatchObject({ input: '1', bySchema: '2', byPipes: '3' });
  });

  it('repeated, answers OK and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = keepInput('r1', room.fenceOf('r1'), 'is', '2');
    await room.send(op);
    expect(await room.repeat(op)).toBe('OK');
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(keepInput(runId, room.fenceOf('r1', offset), 'is', '2'))).toBe('LOST');
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(keepInput('r1', room.fenceOf('r1'), 'is', '2'))).toBe('LOST');
  });

  it('refuses a pass that has ended with DONE', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.repeat(keepInput('r1', room.fenceOf('r1'), 'is', '2'))).toBe('DONE');
  });
});
