import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { idsOf, openEngineRoom } from '../../support/engine-room.js';

describe('pauseQueue()', () => {
  it('keeps runs of the queue, and of no other, from being claimed', async () => {
    const room = openEngineRoom();
    const op = pauseQueue('default');
    await room.send(op);
    await room.repeat(op);
    await room.register('w1', ['default', 'other']);
    await room.createAll('r1');
    await room.create({ id: 'r2', queue: 'other' });
    expect(idsOf(await room.claim('w1', { queues: ['default', 'other'] }))).toEqual(['r2']);
    expect(await room.queued()).toEqual(['r1']);
  });

  it('is shown by the statistics, for a queue that is yet to come too', async () => {
    const room = openEngineRoom();
    await room.send(pauseQueue('later'));
    expect((await room.send(readStats())).queues).toEqual([
      { name: 'later', depth: 0, oldestAgeMs: 0, paused: true, workers: 0 },
    ]);
  });

  it('still queues what is due', async () => {
    const room = openEngineRoom();
    await room.send(pauseQueue('default'));
    await room.register();
    await room.create({ id: 'r1', start: { delayMs: 1_000 } });
    await room.advance(1_000);
    expect(await room.claim()).toEqual([]);
    expect(await room.queued()).toEqual(['r1']);
  });
});
