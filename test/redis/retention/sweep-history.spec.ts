import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { SWEEP_BATCH, sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { type EngineRoom, openEngineRoom, privateRedis } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

const DAY_MS = 86_400_000;

describe('sweepHistory()', () => {
  it('deletes runs that ended longer ago than the retention, with all that belongs to them', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '1' });
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '2'));
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 100))).deleted).toBe(1);
    expect(await room.send(readRun('r1'))).toBeNull();
    expect(
      Object.keys(await room.contents()).filter((key) => key.includes('r1') || key.startsWith('list:') || key === 'ended'),
    ).toEqual([]);
  });

  it('counts from the end of a run, not from its creation', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.advance(DAY_MS);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect((await room.send(sweepHistory(DAY_MS, 100))).deleted).toBe(0);
    expect(await room.send(readRun('r1'))).not.toBeNull();
  });

  it('leaves alone what has not ended, however old', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'running' });
    await room.create({ id: 'queued' });
    await room.create({ id: 'scheduled', start: { delayMs: 90 * DAY_MS } });
    await room.advance(60 * DAY_MS);
    expect((await room.repeat(sweepHistory(DAY_MS, 100))).deleted).toBe(0);
  });

  it('deletes no more than the limit in one call, the oldest first', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd', 'e');
    await room.register();
    await room.claim();
    for (const id of ['c', 'a', 'e', 'b', 'd']) {
      await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
      await room.advance(1_000);
    }
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 2))).deleted).toBe(2);
    expect(await room.redis.lrange(room.key('ended'), 0, -1)).toEqual(['e', 'b', 'd']);
    expect((await room.send(sweepHistory(DAY_MS, 2))).deleted).toBe(2);
    expect((await room.send(sweepHistory(DAY_MS, 2))).deleted).toBe(1);
    expect((await room.send(sweepHistory(DAY_MS, 2))).deleted).toBe(0);
  });

  it('repeated, deletes nothing more', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    await room.advance(2 * DAY_MS);
    await room.send(sweepHistory(DAY_MS, 100));
    expect((await room.repeat(sweepHistory(DAY_MS, 100))).deleted).toBe(0);
  });

  it('says whether there may be more', async () => {
    const room = openEngineRoom();
    await endedRuns(room, 'a', 'b', 'c');
    expect(await room.send(sweepHistory(-1, 2))).toEqual({ deleted: 2, more: true });
    expect(await room.send(sweepHistory(-1, 2))).toEqual({ deleted: 1, more: false });
  });

  it('works through thousands of runs in calls of so many each', async () => {
    const room = openEngineRoom();
    const ids = Array.from({ length: 3_000 }, (_, index) => `run-${index}`);
    await room.register();
    await Promise.all(ids.map((id) => room.create({ id })));
    await room.claim('w1', { want: ids.length });
    await Promise.all(ids.map((id) => room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''))));
    const calls: number[] = [];
    for (let more = true; more; ) {
      const swept = await room.send(sweepHistory(-1, SWEEP_BATCH));
      calls.push(swept.deleted);
      more = swept.more;
    }
    expect(calls).toEqual([...Array(ids.length / SWEEP_BATCH).fill(SWEEP_BATCH), 0]);
    expect(Object.keys(await room.contents()).filter((key) => /^(run|list|ended|places)/.test(key))).toEqual([]);
  });

  it('has Redis free long payloads beside its work', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url });
    await room.running({ id: 'long', input: `"${'x'.repeat(200_000)}"` });
    await room.send(finishRun('long', room.fenceOf('long'), 'succeeded', ''));
    const freedBeside = async () => Number(/lazyfreed_objects:(\d+)/.exec(await room.redis.info('memory'))?.[1]);
    expect(await freedBeside()).toBe(0);
    expect((await room.send(sweepHistory(-1, 100))).deleted).toBe(1);
    await eventually(async () => (await freedBeside()) === 1, 'the payload is freed beside');
  });

  it('deletes fewer runs in a call when they are large', async () => {
    const room = openEngineRoom();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await room.create({ id, input: `"${'x'.repeat(200_000)}"` });
    await room.register();
    await room.claim();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
    expect(await room.send(sweepHistory(-1, 100))).toEqual({ deleted: 4, more: true });
    expect(await room.send(sweepHistory(-1, 100))).toEqual({ deleted: 1, more: false });
  });

  it('drops entries of runs that are gone, or that were retried since, and keeps those runs', async () => {
    const room = openEngineRoom();
    await endedRuns(room, 'gone');
    await room.createAll('active', 'again');
    await room.claim();
    for (const id of ['active', 'again']) await room.send(finishRun(id, room.fenceOf(id), 'failed', '{}'));
    await endedRuns(room, 'old');
    await room.redis.unlink(room.keys.run('gone'));
    await retried(room, 'active');
    await retried(room, 'again');
    await room.claim();
    await room.advance(DAY_MS);
    await room.send(finishRun('again', room.fenceOf('again'), 'succeeded', ''));
    expect((await room.send(sweepHistory(DAY_MS, 100))).deleted).toBe(1);
    expect(await room.redis.lrange(room.key('ended'), 0, -1)).toEqual(['again']);
    expect(await room.send(readRun('active'))).toMatchObject({ status: 'running' });
    expect(await room.send(readRun('again'))).toMatchObject({ status: 'succeeded' });
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 100))).deleted).toBe(1);
    expect(await room.send(readRun('again'))).toBeNull();
  });

  it('goes on when the clock was put back: what ended in the future is kept from now on', async () => {
    const room = openEngineRoom();
    await room.advance(365 * DAY_MS);
    await endedRuns(room, 'future');
    await room.advance(-365 * DAY_MS);
    await room.create({ id: 'present' });
    await room.claim();
    await room.send(finishRun('present', room.fenceOf('present'), 'succeeded', ''));
    expect(await room.send(sweepHistory(DAY_MS, 1))).toEqual({ deleted: 0, more: true });
    expect((await room.repeat(sweepHistory(DAY_MS, 1))).deleted).toBe(0);
    await room.advance(DAY_MS);
    expect((await room.send(sweepHistory(DAY_MS, 100))).deleted).toBe(2);
  });
});

/** Runs that have ended in this order. */
async function endedRuns(room: EngineRoom, ...ids: string[]): Promise<void> {
  await room.createAll(...ids);
  await room.register();
  await room.claim();
  for (const id of ids) await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
}

async function retried(room: EngineRoom, id: string): Promise<void> {
  const endedAt = Number(await room.field(id, 'fa'));
  expect(await room.send(retryRun({ runId: id, nonce: 'n', endedAt, reopened: [] }))).toBe('OK');
}
