import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../lib/engine/redis/read-stats.js';
import { openEngineRoom } from '../support/engine-room.js';

describe('readStats()', () => {
  it('of an empty namespace is empty', async () => {
    const room = openEngineRoom();
    expect(await room.send(readStats())).toEqual({ queues: [], workers: [], stalledRuns: [] });
  });

  it('tells how many runs a queue holds and how long its next one has waited', async () => {
    const room = openEngineRoom();
    await room.create({ queue: 'a:b' });
    await room.advance(5_000);
    await room.create({ queue: 'a:b' });
    await room.create({ queue: '{}:*' });
    await room.create({ queue: 'a:b', start: { delayMs: 60_000 } });
    const { queues } = await room.send(readStats());
    expect(queues.map(({ name, depth }) => [name, depth]).sort()).toEqual([
      ['a:b', 2],
      ['{}:*', 1],
    ]);
    const oldest = queues.find(({ name }) => name === 'a:b')?.oldestAgeMs;
    expect(oldest).toBeGreaterThanOrEqual(5_000);
  });

  it('counts the wait of a delayed run from the time it was due', async () => {
    const room = openEngineRoom();
    await room.create({ start: { delayMs: 100_000_000 } });
    await room.advance(100_000_000);
    await room.register();
    await room.claim('w1', { want: 0 });
    const { queues } = await room.send(readStats());
    expect(queues).toMatchObject([{ name: 'default', depth: 1 }]);
    expect(queues[0].oldestAgeMs).toBeLessThan(100_000_000);
  });

  it('shows a queue that has been emptied with age 0', async () => {
    const room = openEngineRoom();
    await room.running();
    expect((await room.send(readStats())).queues).toEqual([{ name: 'default', depth: 0, oldestAgeMs: 0 }]);
  });

  it('writes nothing', async () => {
    const room = openEngineRoom();
    await room.running();
    expect(await room.repeat(readStats())).toMatchObject({ workers: [{ id: 'w1' }] });
  });
});
