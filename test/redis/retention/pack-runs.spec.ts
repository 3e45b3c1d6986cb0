import { describe, expect, it } from '@jest/globals';
import { finishHook } from '../../../lib/engine/redis/failure-hook/finish-hook.js';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { packRuns } from '../../../lib/engine/redis/retention/pack-runs.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { readData } from '../../../lib/engine/redis/run-data/read-data.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { parseRunData } from '../../../lib/engine/redis/steps/stored-step.js';
import { completed } from '../../support/completed-step.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"no"}';

/** A run that has succeeded in its second attempt, with two steps. */
async function ended(room: EngineRoom, id = 'r1', overrides = {}): Promise<void> {
  await room.running({ id, input: '{"a":1}', ...overrides });
  await room.send(completed(id, room.fenceOf(id), 'one', 1));
  await room.send(backOffRun({ runId: id, fence: room.fenceOf(id), delayMs: 0, error: ERROR }));
  await room.claim();
  await room.send(completed(id, room.fenceOf(id), 'zwei 🦊', 2));
  await room.send(finishRun(id, room.fenceOf(id), 'succeeded', '"done"'));
}

const keysOf = async (room: EngineRoom, id: string) =>
  Object.keys(await room.contents())
    .filter((key) => key.endsWith(`:${id}`))
    .sort();

describe('packRuns()', () => {
  it('moves data and passes of an ended run into its hash, which stays compact, and reads the same', async () => {
    const room = openEngineRoom();
    await ended(room);
    const read = () =>
      Promise.all([
        room.send(readRun('r1')),
        room.send(readData('r1')).then((flat) => parseRunData(flat ?? [])),
        room.send(readAttempts('r1')),
      ]);
    const before = await read();
    expect(await room.send(packRuns(10))).toBe(false);
    expect(await room.repeat(packRuns(10))).toBe(false);
    expect(await keysOf(room, 'r1')).toEqual(['run:r1']);
    expect(await room.redis.object('ENCODING', room.keys.run('r1'))).not.toBe('hashtable');
    expect(await read()).toEqual(before);
    expect(before[0]).toMatchObject({ input: { a: 1 }, output: 'done', attempt: 2 });
    expect([...(before[1]?.steps.keys() ?? [])].sort()).toEqual(['one', 'zwei 🦊']);
    expect(before[2]).toHaveLength(2);
  });

  it('packs no more than the limit in one call, the first to end first, and says whether there are more', async () => {
    const room = openEngineRoom();
    for (const id of ['a', 'b', 'c']) await ended(room, id);
    expect(await room.send(packRuns(2))).toBe(true);
    expect(await room.redis.lrange(room.key('packed'), 0, -1)).toEqual(['a', 'b']);
    expect(await room.redis.lrange(room.key('ended'), 0, -1)).toEqual(['c']);
    expect(await keysOf(room, 'c')).toEqual(['data:c', 'passes:c', 'run:c']);
    expect(await room.send(packRuns(2))).toBe(false);
  });

  it('begins no round before its time, and leaves no trace where there is nothing to do', async () => {
    const room = openEngineRoom();
    expect(await room.repeat(packRuns(1, 60_000))).toBe(false);
    for (const id of ['a', 'b', 'c']) await ended(room, id);
    expect(await room.send(packRuns(1, 60_000))).toBe(true);
    expect(await room.repeat(packRuns(1, 60_000))).toBe(false);
    expect(await room.send(packRuns(1))).toBe(true);
    expect(await room.redis.lrange(room.key('packed'), 0, -1)).toEqual(['a', 'b']);
    expect(await room.redis.pttl(room.key('packing'))).toBeGreaterThan(0);
  });

  it('takes one field where the hash of the run is not compact anyway', async () => {
    const room = openEngineRoom();
    await ended(room, 'r1', { tags: { tenant: 't'.repeat(100) } });
    const before = await room.send(readRun('r1'));
    await room.send(packRuns(10));
    expect(await room.field('r1', 'z')).toBe('1');
    expect(await room.send(readRun('r1'))).toEqual(before);
  });

  it('leaves large runs and those without payloads as they are', async () => {
    const room = openEngineRoom();
    await ended(room, 'large', { input: `"${'x'.repeat(10_000)}"` });
    await room.running({ id: 'bare' });
    await room.send(finishRun('bare', room.fenceOf('bare'), 'succeeded', ''));
    const before = await room.contents();
    await room.send(packRuns(10));
    expect(await room.contents()).toEqual({ ...before, ended: undefined, packed: ['large', 'bare'] });
  });

  it('passes over runs that are gone or were retried', async () => {
    const room = openEngineRoom();
    for (const id of ['gone', 'retried']) await ended(room, id);
    await room.redis.unlink(room.keys.run('gone'));
    await room.redis.hset(room.keys.run('retried'), 'st', 'q');
    await room.redis.hdel(room.keys.run('retried'), 'fa');
    await room.send(packRuns(10));
    expect(await keysOf(room, 'retried')).toEqual(['data:retried', 'passes:retried', 'run:retried']);
    expect(await room.redis.exists(room.keys.run('gone'))).toBe(0);
  });

  it('leaves a run that has failed once more until its failure hook has ended', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '{"a":1}' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
    await room.send(retryRun({ runId: 'r1', nonce: 'n', endedAt: Number(await room.field('r1', 'fa')), reopened: [] }));
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR, 'hook'));
    await room.claim();
    await room.send(packRuns(10));
    await room.send(finishHook({ runId: 'hook', fence: room.fenceOf('hook'), failedRunId: 'r1' }, ERROR));
    const failureHook = { status: 'failed', error: { name: 'Error', message: 'no' } };
    expect(await room.send(readRun('r1'))).toMatchObject({ failureHook });
    await room.send(packRuns(10));
    expect(await keysOf(room, 'r1')).toEqual(['run:r1']);
    expect(await room.send(readRun('r1'))).toMatchObject({ failureHook });
  });

  it('leaves the last write of a pass repeatable', async () => {
    const room = openEngineRoom();
    await ended(room);
    await room.send(packRuns(10));
    expect(await room.repeat(finishRun('r1', room.fenceOf('r1'), 'succeeded', '"done"'))).toBe('DONE');
    expect(await room.repeat(completed('r1', room.fenceOf('r1'), 'one', 1))).toMatchObject({ status: 'DONE' });
    expect(await room.repeat(finishRun('r1', room.fenceOf('r1', -1), 'failed', ERROR))).toBe('LOST');
  });

  it('is undone for a run that is retried', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '{"a":1}' });
    await room.send(completed('r1', room.fenceOf('r1'), 'one', 1));
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 0, error: ERROR }));
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
    const before = await room.contents();
    await room.send(packRuns(10));
    const endedAt = Number(await room.field('r1', 'fa'));
    const retry = retryRun({ runId: 'r1', nonce: 'n', endedAt, reopened: [] });
    expect(await room.send(retry)).toBe('OK');
    expect(await room.repeat(retry)).toBe('OK');
    const after = await room.contents();
    expect(after['passes:r1']).toEqual(before['passes:r1']);
    expect({ ...(after['data:r1'] as object), e: ERROR }).toEqual(before['data:r1']);
    expect(await room.field('r1', 'z')).toBeNull();
    expect(await room.field('r1', '1')).toBeNull();
  });

  it('leaves runs to retention, packed or not', async () => {
    const room = openEngineRoom();
    for (const id of ['a', 'b', 'c']) await ended(room, id);
    await room.send(packRuns(1));
    expect(await room.send(sweepHistory(-1, 2))).toEqual({ deleted: 2, more: true });
    expect(await room.send(sweepHistory(-1, 2))).toEqual({ deleted: 1, more: false });
    expect(Object.keys(await room.contents()).filter((key) => /^(run|data|passes|packed|ended)/.test(key))).toEqual([]);
  });
});
