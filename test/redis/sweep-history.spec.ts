import { describe, expect, it } from '@jest/globals';
import { finishRun } from '../../lib/engine/redis/finish-run.js';
import { readRun } from '../../lib/engine/redis/read-run.js';
import { releaseRun } from '../../lib/engine/redis/release-run.js';
import { sweepHistory } from '../../lib/engine/redis/sweep-history.js';
import { openEngineRoom } from '../support/engine-room.js';

const DAY_MS = 86_400_000;

describe('sweepHistory()', () => {
  it('deletes runs that ended longer ago than the retention, with all that belongs to them', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '1' });
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '2'));
    await room.advance(DAY_MS);
    expect(await room.send(sweepHistory(DAY_MS, 100))).toBe(1);
    expect(await room.send(readRun('r1'))).toBeNull();
    expect(
      Object.keys(await room.contents()).filter((key) => key.includes('r1') || key.startsWith('list:') || key === 'ended'),
    ).toEqual([]);
  });

  it('counts from the end of a run, not from its creation', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.advance(DAY_MS);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.send(sweepHistory(DAY_MS, 100))).toBe(0);
    expect(await room.send(readRun('r1'))).not.toBeNull();
  });

  it('leaves alone what has not ended, however old', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'running' });
    await room.create({ id: 'queued' });
    await room.create({ id: 'scheduled', start: { delayMs: 90 * DAY_MS } });
    await room.advance(60 * DAY_MS);
    expect(await room.repeat(sweepHistory(DAY_MS, 100))).toBe(0);
  });

  it('deletes no more than the limit in one call, the oldest first', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd', 'e');
    await room.register();
    await room.claim();
    for (const id of ['c', 'a', 'e', 'b', 'd']) {
      await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
      await room.advance(1_000);
    }
    await room.advance(DAY_MS);
    expect(await room.send(sweepHistory(DAY_MS, 2))).toBe(2);
    expect(await room.redis.zrange(room.key('ended'), '0', '-1')).toEqual(['e', 'b', 'd']);
    expect(await room.send(sweepHistory(DAY_MS, 2))).toBe(2);
    expect(await room.send(sweepHistory(DAY_MS, 2))).toBe(1);
    expect(await room.send(sweepHistory(DAY_MS, 2))).toBe(0);
  });

  it('repeated, deletes nothing more', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    await room.advance(2 * DAY_MS);
    await room.send(sweepHistory(DAY_MS, 100));
    expect(await room.repeat(sweepHistory(DAY_MS, 100))).toBe(0);
  });
});
