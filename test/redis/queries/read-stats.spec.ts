import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { blockRun } from '../../../lib/engine/redis/replay/block-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { openEngineRoom } from '../../support/engine-room.js';

const NO_RUNS = { scheduled: 0, queued: 0, running: 0, waiting: 0, succeeded: 0, failed: 0, canceled: 0 };

describe('readStats()', () => {
  it('counts the runs of each status, over workflows and queues', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'done' });
    await room.send(finishRun('done', room.fenceOf('done'), 'succeeded', ''));
    await room.running({ id: 'running' });
    await room.create({ workflow: 'charge', start: { delayMs: 60_000 } });
    await room.create({ queue: 'slow' });
    await room.create({ queue: 'slow', workflow: 'charge' });
    const { runs } = await room.send(readStats());
    expect(runs).toEqual({ ...NO_RUNS, scheduled: 1, queued: 2, running: 1, succeeded: 1 });
  });

  it('of an empty namespace is empty', async () => {
    const room = openEngineRoom();
    expect(await room.send(readStats())).toEqual({
      runs: NO_RUNS,
      queues: [],
      workers: [],
      stalledRuns: [],
      unserved: [],
      blocked: [],
    });
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
    expect((await room.send(readStats())).queues).toEqual([
      { name: 'default', depth: 0, oldestAgeMs: 0, paused: false, workers: 1 },
    ]);
  });

  it('counts the runs that their code blocks, by workflow', async () => {
    const room = openEngineRoom();
    const blocked = async () => (await room.send(readStats())).blocked;
    const reason = { because: 'replay', step: 'new', missing: ['old'] } as const;
    for (const id of ['r1', 'r2']) {
      await room.running({ id });
      await room.send(blockRun(id, room.fenceOf(id), reason));
    }
    expect(await blocked()).toEqual([{ workflow: 'greet', runs: 2 }]);
    await room.send(cancelRun({ runId: 'r1', nonce: 'n', reason: '', compensate: true }));
    expect(await blocked()).toEqual([{ workflow: 'greet', runs: 1 }]);
    // What is offered counts until it is claimed.
    await room.register('w2', ['default'], { deployment: 'd2' });
    expect(await blocked()).toEqual([{ workflow: 'greet', runs: 1 }]);
    await room.claim('w2');
    expect(await blocked()).toEqual([]);
  });

  it('writes nothing', async () => {
    const room = openEngineRoom();
    await room.running();
    expect(await room.repeat(readStats())).toMatchObject({ workers: [{ id: 'w1' }] });
  });
});
