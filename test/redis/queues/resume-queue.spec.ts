import { describe, expect, it } from '@jest/globals';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { resumeQueue } from '../../../lib/engine/redis/queues/resume-queue.js';
import { idsOf, openEngineRoom } from '../../support/engine-room.js';

describe('resumeQueue()', () => {
  it('lets the runs be claimed in their order and wakes an idle worker', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.send(pauseQueue('default'));
    await room.createAll('r1', 'r2');
    expect(await room.claim()).toEqual([]);
    const woken = await room.wakeUps('w1');
    const op = resumeQueue('default');
    await room.send(op);
    expect(await room.wakeUps('w1')).toBe(woken + 1);
    await room.repeat(op);
    expect(idsOf(await room.claim())).toEqual(['r1', 'r2']);
  });

  it('changes nothing for a queue that is not paused', async () => {
    const room = openEngineRoom();
    await room.repeat(resumeQueue('nobody'));
  });
});
