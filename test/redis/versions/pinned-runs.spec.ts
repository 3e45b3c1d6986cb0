import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { unwindRun } from '../../../lib/engine/redis/compensation/unwind-run.js';
import { finishHook } from '../../../lib/engine/redis/failure-hook/finish-hook.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom, runsOf } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"boom"}';

/** A namespace in which version 2 of the workflow of all its runs is the current one. */
async function versionedRoom(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await declare(room, '2');
  await room.register();
  return room;
}
const declare = (room: EngineRoom, version: string) => room.redis.hset(room.key('controls'), 'vgreet', version);
/** How many runs are open, by kind. */
const open = (room: EngineRoom) => room.redis.hgetall(room.key('open:greet'));
const finish = (room: EngineRoom, id: string, ...how: ['succeeded' | 'failed', string, string?]) =>
  finishRun(id, room.fenceOf(id), ...how);

describe('a claim', () => {
  it('pins a run to the current version, and answers the same when it is repeated after a deploy', async () => {
    const room = await versionedRoom();
    await room.create({ id: 'r1' });
    const op = room.claimOp();
    const [first] = runsOf(await room.send(op));
    expect(first.run.version).toBe('2');
    await declare(room, '3');
    const [again] = runsOf(await room.repeat(op));
    expect(again).toMatchObject({ run: { version: '2' }, fence: first.fence });
    expect(await open(room)).toEqual({ v2: '1' });
  });

  it('leaves a run that is pinned, one that began without, and one of a workflow that has no versions', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'began' });
    await room.claim();
    await room.create({ id: 'pinned', version: '1' });
    await room.create({ id: 'other', workflow: 'charge' });
    await declare(room, '2');
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register('w2');
    const claimed = await room.claim('w2');
    expect(Object.fromEntries(claimed.map(({ run }) => [run.id, run.version]))).toEqual({
      began: undefined,
      pinned: '1',
      other: undefined,
    });
    expect(await open(room)).toEqual({ v1: '1' });
    expect(await room.redis.exists(room.key('open:charge'))).toBe(0);
  });

  it('keeps the version after a crash', async () => {
    const room = await versionedRoom();
    await room.create({ id: 'r1' });
    await room.claim();
    await declare(room, '3');
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register('w2');
    expect((await room.claim('w2'))[0].run.version).toBe('2');
    expect(await open(room)).toEqual({ v2: '1' });
  });
});

describe('the open runs of a version', () => {
  it('count from the create that pins, once', async () => {
    const room = openEngineRoom();
    const op = createRun(room.newRun({ id: 'r1', version: '1', nonce: 'call-1' }));
    await room.send(op);
    await room.repeat(op);
    await room.send(createRun(room.newRun({ id: 'r1', version: '1', nonce: 'call-2' })));
    await room.create({ id: 'r2', version: '1', idempotencyKey: 'k' });
    await room.create({ id: 'r3', version: '1', idempotencyKey: 'k' });
    expect(await open(room)).toEqual({ v1: '2' });
  });

  it('count until they end, however they do', async () => {
    const room = await versionedRoom();
    await room.createAll('a', 'b', 'c', 'd');
    await room.claim('w1', { want: 3 });
    expect(await open(room)).toEqual({ v2: '3' });
    const op = finish(room, 'a', 'succeeded', '1');
    await room.send(op);
    await room.repeat(op);
    expect(await open(room)).toEqual({ v2: '2' });
    await room.send(finish(room, 'b', 'failed', ERROR));
    await room.send(unwindRun('c', room.fenceOf('c'), ERROR));
    expect(await open(room)).toEqual({ v2: '1' });
    await room.create({ id: 'e', version: '1' });
    for (const id of ['d', 'e']) await room.send(cancelRun({ runId: id, reason: '', compensate: true, nonce: id }));
    expect(await open(room)).toEqual({ v2: '1' });
    await room.claim();
    expect(await open(room)).toEqual({ v2: '1' });
  });

  it('count again from their retry, as those of the version that it names', async () => {
    const room = await versionedRoom();
    await room.createAll('a', 'b');
    await room.claim();
    for (const id of ['a', 'b']) await room.send(finish(room, id, 'failed', ERROR));
    expect(await open(room)).toEqual({});
    const retry = async (runId: string, version?: string) =>
      retryRun({ runId, nonce: 'n', endedAt: Number(await room.field(runId, 'fa')), version, reopened: [] });
    for (const op of [await retry('a'), await retry('b', '3')]) {
      await room.send(op);
      await room.repeat(op);
    }
    expect(await open(room)).toEqual({ v2: '1', v3: '1' });
    await room.claim();
    for (const id of ['a', 'b']) await room.send(finish(room, id, 'succeeded', ''));
    expect(await open(room)).toEqual({});
  });

  it('count no failure hook, which counts by itself until it has ended', async () => {
    const room = await versionedRoom();
    await room.create({ id: 'r1' });
    await room.claim();
    const op = finish(room, 'r1', 'failed', ERROR, 'hook');
    await room.send(op);
    await room.repeat(op);
    expect(await open(room)).toEqual({ h2: '1' });
    await declare(room, '3');
    const [hook] = await room.claim();
    expect(hook.run).toMatchObject({ hookOf: 'r1', version: '2' });
    const end = finishHook({ runId: 'hook', fence: room.fenceOf('hook'), failedRunId: 'r1' }, '');
    await room.send(end);
    await room.repeat(end);
    expect(await open(room)).toEqual({});
  });

  it('count no failure hook that was canceled, or that nobody has served for so long', async () => {
    const room = await versionedRoom();
    await room.createAll('a', 'b');
    await room.claim();
    for (const id of ['a', 'b']) await room.send(finish(room, id, 'failed', ERROR, `hook-${id}`));
    expect(await open(room)).toEqual({ h2: '2' });
    await room.send(cancelRun({ runId: 'a', reason: '', compensate: true, nonce: 'n', failureHook: true }));
    expect(await open(room)).toEqual({ h2: '1' });
    await room.advance(8 * 86_400_000);
    await room.send(sweepHistory(86_400_000, 10));
    expect(await open(room)).toEqual({});
  });

  it('of a run that began without a version pin not even its failure hook', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await declare(room, '2');
    await room.send(finish(room, 'r1', 'failed', ERROR, 'hook'));
    expect((await room.claim())[0].run).toMatchObject({ hookOf: 'r1', version: undefined });
    expect(await open(room)).toEqual({});
  });
});
