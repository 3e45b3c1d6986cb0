import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('removeWorker()', () => {
  it('leaves nothing of the worker behind', async () => {
    const room = openEngineRoom();
    await room.register('w1', ['a', 'b']);
    await room.claim('w1', { queues: ['a', 'b'] });
    await room.create({ queue: 'a', id: 'r1' });
    expect(await room.wakeUps('w1')).toBe(1);
    expect(await room.send(removeWorker('w1'))).toBe('OK');
    expect((await room.send(readStats())).workers).toEqual([]);
    expect(Object.keys(await room.contents()).sort()).toEqual([
      'counters',
      'list:q5:greeta',
      'places',
      'queue:a',
      'queues',
      'run:r1',
      'search:ids',
    ]);
  });

  it('is nobody to be woken any more', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.claim();
    await room.send(removeWorker('w1'));
    await room.create();
    expect(await room.wakeUps('w1')).toBe(0);
  });

  it('queues the runs that it still owns again, at the front, as lost', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'owned' });
    await room.create({ id: 'waits' });
    expect(await room.send(removeWorker('w1'))).toBe('OK');
    expect(await room.queued()).toEqual(['owned', 'waits']);
    expect(await room.passes('owned')).toBe('l');
    expect(await room.field('owned', 'f')).toBe(room.fenceOf('owned', 1));
    await room.register('w2');
    expect(await room.claimAnew('w2')).toMatchObject({ run: { id: 'owned', recoveries: 1 } });
  });

  it('takes back 100 runs per call and answers AGAIN while some remain', async () => {
    const room = openEngineRoom();
    await room.register();
    await Promise.all(Array.from({ length: 150 }, (_, index) => room.create({ id: `r${index}` })));
    await room.claim('w1', { want: 150 });
    expect(await room.send(removeWorker('w1'))).toBe('AGAIN');
    expect(await room.queued()).toHaveLength(100);
    expect(await room.send(removeWorker('w1'))).toBe('OK');
    expect(await room.queued()).toHaveLength(150);
  });

  it('repeated, and for a worker nobody knows, answers OK and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running();
    const op = removeWorker('w1');
    await room.send(op);
    expect(await room.repeat(op)).toBe('OK');
    expect(await room.repeat(removeWorker('stranger'))).toBe('OK');
  });
});
