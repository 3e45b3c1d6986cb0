import { describe, expect, it } from '@jest/globals';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('retireWorker()', () => {
  it('is nobody to be woken any more, but keeps its lease and its runs', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(retireWorker('w1', ['default']))).toBe('OK');
    await room.create();
    expect(await room.wakeUps('w1')).toBe(0);
    expect(await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''))).toBe('OK');
  });

  it('leaves what it was woken for to another idle worker', async () => {
    const room = openEngineRoom();
    await room.register('w1');
    await room.claim('w1');
    await room.create();
    expect(await room.wakeUps('w1')).toBe(1);
    await room.register('w2');
    await room.redis.sadd(await room.idleKey(), 'w2');
    await room.send(retireWorker('w1', ['default']));
    expect(await room.wakeUps('w2')).toBe(1);
  });

  it('wakes nobody for an empty queue', async () => {
    const room = openEngineRoom();
    for (const worker of ['w1', 'w2']) {
      await room.register(worker);
      await room.claim(worker);
    }
    await room.send(retireWorker('w1', ['default']));
    expect(await room.wakeUps('w2')).toBe(0);
  });

  it('repeated, answers OK and changes nothing', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.claim();
    await room.send(retireWorker('w1', ['default']));
    expect(await room.repeat(retireWorker('w1', ['default']))).toBe('OK');
  });
});
