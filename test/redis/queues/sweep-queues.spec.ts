import { describe, expect, it } from '@jest/globals';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { sweepQueues } from '../../../lib/engine/redis/queues/sweep-queues.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

async function sweepAll(room: EngineRoom): Promise<void> {
  let cursor = 0;
  do {
    const op = sweepQueues(cursor);
    cursor = await room.send(op);
    if (cursor === 0) await room.repeat(op);
  } while (cursor !== 0);
}

const names = async (room: EngineRoom) => (await room.redis.smembers(room.key('queues'))).sort();

describe('sweepQueues()', () => {
  it('forgets queues that are empty and served by nobody, and no others', async () => {
    const room = openEngineRoom();
    await room.register('w1', ['served', 'left']);
    for (const queue of ['served', 'left', 'full', 'paused']) await room.create({ queue });
    await room.claim('w1', { queues: ['served', 'left'] });
    await room.register('w2', ['served']);
    await room.send(pauseQueue('paused'));
    await room.redis.del(room.key('queue:paused'));
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.claim('w2', { queues: ['left'] });
    await sweepAll(room);
    expect(await names(room)).toEqual(['full', 'paused', 'served']);
  });

  it('comes to all of many names in bounded calls', async () => {
    const room = openEngineRoom();
    await room.redis.sadd(room.key('queues'), ...Array.from({ length: 2_000 }, (_, index) => `queue-${index}`));
    await room.send(sweepQueues(0));
    expect((await names(room)).length).toBeGreaterThan(1_500);
    await sweepAll(room);
    expect(await names(room)).toEqual([]);
  });

  it('is undone by the next run of the queue', async () => {
    const room = openEngineRoom();
    await room.register('w1', ['once']);
    await room.create({ queue: 'once' });
    await room.claim('w1', { queues: ['once'] });
    await room.redis.del(room.key('serving:once'));
    await sweepAll(room);
    expect(await names(room)).toEqual([]);
    await room.create({ queue: 'once' });
    expect(await names(room)).toEqual(['once']);
  });
});
