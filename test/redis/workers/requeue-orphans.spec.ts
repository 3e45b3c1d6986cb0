import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { requeueOrphans } from '../../../lib/engine/redis/workers/requeue-orphans.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('requeueOrphans()', () => {
  it('queues a run again that its worker does not hold, as a recovery with a new fence', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(requeueOrphans('w1', [1], ['r1']))).toEqual(['r1']);
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'queued', attempt: 1, recoveries: 1 });
    expect(await room.passes('r1')).toBe('l');
    expect(await room.owned()).toEqual([]);
    expect(await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1', ''))).toBe('LOST');
    expect((await room.claimAnew('w1')).run.id).toBe('r1');
  });

  it('repeated, changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = requeueOrphans('w1', [1], ['r1']);
    await room.send(op);
    expect(await room.repeat(op)).toEqual([]);
  });

  it('leaves the runs of a claim alone whose answer the worker has not read, but not those of earlier ones', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'earlier' });
    await room.claim('w1', { sequence: 1 });
    await room.create({ id: 'unread' });
    await room.claim('w1', { sequence: 2 });
    expect(await room.send(requeueOrphans('w1', [1], ['earlier', 'unread']))).toEqual(['earlier']);
    expect(await room.owned()).toEqual(['unread']);
    expect(await room.send(requeueOrphans('w1', [2], ['unread']))).toEqual(['unread']);
  });

  it('tells the lanes apart', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.createAll('a', 'b');
    await room.claim('w1', { sequence: 7, lane: 0, want: 1 });
    await room.claim('w1', { sequence: 3, lane: 1, want: 1 });
    expect(await room.send(requeueOrphans('w1', [7, 2, 0], ['a', 'b']))).toEqual(['a']);
    expect(await room.send(requeueOrphans('w1', [6, 3, 0], ['b']))).toEqual(['b']);
  });

  it('does nothing when it comes so late that the worker has claimed twice since', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const late = requeueOrphans('w1', [0], ['r1']);
    await room.create({ id: 'r2' });
    await room.claim();
    expect(await room.repeat(late)).toEqual([]);
    expect((await room.owned()).sort()).toEqual(['r1', 'r2']);
  });

  it('works for a worker whose record Redis has lost', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.redis.hdel(room.key('worker:w1'), 'claimSeq0', 'claimed0');
    expect(await room.send(requeueOrphans('w1', [5], ['r1']))).toEqual(['r1']);
  });

  it('leaves runs of others, and ended ones, alone', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'ended' });
    await room.send(finishRun('ended', room.fenceOf('ended'), 'succeeded', '1', ''));
    await room.register('w2');
    await room.create({ id: 'other' });
    await room.claim('w2');
    expect(await room.repeat(requeueOrphans('w1', [9], ['ended', 'other', 'nobody']))).toEqual([]);
  });

  it('ends one that was canceled meanwhile', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(cancelRun({ runId: 'r1', reason: 'why', compensate: true, nonce: 'a' }));
    expect(await room.send(requeueOrphans('w1', [1], ['r1']))).toEqual(['r1']);
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled', cancelReason: 'why' });
  });
});
