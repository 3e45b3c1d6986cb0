import { describe, expect, it } from '@jest/globals';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { readSteps } from '../../../lib/engine/redis/steps/read-steps.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { continueEnd } from '../../../lib/engine/redis/waits/continue-end.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit } from '../../support/event-room.js';

/** So many parked runs that wait for run `awaited`, which is running. */
async function waitingFor(room: EngineRoom, count: number): Promise<string[]> {
  await room.running({ id: 'awaited', workflow: 'greet', idempotencyKey: 'key' });
  const ids = Array.from({ length: count }, (_, index) => `parent ${index}`);
  await Promise.all(ids.map((id) => room.create({ id, workflow: 'parent' })));
  await room.claim('w1', { want: count });
  await Promise.all(
    ids.map(async (id) => {
      const child = room.newRun({ id: `unused ${id}`, workflow: 'greet', idempotencyKey: 'key' });
      await room.send(startChild({ runId: id, fence: room.fenceOf(id), step: 'child', waits: true, order: 0, child }));
      await room.send(parkRun(id, room.fenceOf(id), undefined, ['child']));
    }),
  );
  return ids;
}

const end = (room: EngineRoom, payload: string, outcome: 'succeeded' | 'failed' = 'succeeded') =>
  room.send(finishRun('awaited', room.fenceOf('awaited'), outcome, payload));

async function told(room: EngineRoom, ids: readonly string[]): Promise<string[]> {
  const steps = await Promise.all(ids.map(async (id) => (await room.send(readSteps(id, ['child'])))[0]));
  return steps.flatMap((step) => (step?.status === 'd' || step?.status === 'k' ? [step.payload] : []));
}

describe('continueEnd()', () => {
  it('has nothing to do where few wait', async () => {
    const room = openEngineRoom();
    const ids = await waitingFor(room, 3);
    await end(room, '"done"');
    expect(await told(room, ids)).toEqual(['"done"', '"done"', '"done"']);
    expect(await room.repeat(continueEnd())).toBe(false);
    expect(await room.redis.hexists(room.keys.run('awaited'), 'nw')).toBe(0);
  });

  it('still finds a run whose retention was over before all were told: they would wait for ever', async () => {
    const room = openEngineRoom();
    const ids = await waitingFor(room, 150);
    await end(room, '"done"');
    await room.advance(1_000);
    expect(await room.send(sweepHistory(1_000, 100))).toEqual({ deleted: 0, more: false });
    await room.send(continueEnd());
    expect(await told(room, ids)).toHaveLength(150);
    await room.advance(1_000);
    expect((await room.send(sweepHistory(1_000, 100))).deleted).toBe(1);
  });

  it('tells those that wait for a run a hundred at a time, each once', async () => {
    const room = openEngineRoom();
    const ids = await waitingFor(room, 250);
    await end(room, '"done"');
    expect(await told(room, ids)).toHaveLength(100);
    expect(await room.queued()).toHaveLength(100);
    expect(await room.send(continueEnd())).toBe(true);
    expect(await room.queued()).toHaveLength(200);
    expect(await room.send(continueEnd())).toBe(false);
    expect((await room.queued()).sort()).toEqual([...ids].sort());
    expect(new Set(await told(room, ids))).toEqual(new Set(['"done"']));
    expect(await room.repeat(continueEnd())).toBe(false);
    expect(await room.redis.exists(room.key('ending'), room.key('parents:awaited'))).toBe(0);
    expect(await room.redis.hexists(room.keys.run('awaited'), 'nw')).toBe(0);
  });

  it('tells fewer at a time of a long result', async () => {
    const room = openEngineRoom();
    const ids = await waitingFor(room, 5);
    await end(room, `"${'x'.repeat(1_500_000)}"`);
    const counts = [(await told(room, ids)).length];
    while (await room.send(continueEnd())) counts.push((await told(room, ids)).length);
    expect(counts).toEqual([2, 4]);
    expect(await told(room, ids)).toHaveLength(5);
  });

  it('tells the next end where the run is retried meanwhile', async () => {
    const room = openEngineRoom();
    const ids = await waitingFor(room, 150);
    await end(room, '{"name":"Error","message":"no"}', 'failed');
    const endedAt = Number(await room.redis.hget(room.keys.run('awaited'), 'fa'));
    expect(await room.send(retryRun({ runId: 'awaited', endedAt, nonce: 'n', reopened: [] }))).toBe('OK');
    expect(await room.send(continueEnd())).toBe(false);
    expect(await told(room, ids)).toHaveLength(100);
    await room.claim('w1', { want: 200 });
    await end(room, '"done"');
    const payloads = await told(room, ids);
    expect(payloads).toHaveLength(150);
    expect(payloads.filter((payload) => payload === '"done"')).toHaveLength(50);
  });

  it('lets a run that ends listen no more, five hundred waits at a time', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'listener' });
    const waits = Array.from({ length: 1_200 }, (_, index) =>
      awaitEvent(
        { runId: 'listener', fence, step: `step ${index}` },
        { event: 'tick', correlationKey: `${index}`, lookback: 'run' },
        undefined,
      ),
    );
    await Promise.all(waits.map((op) => room.send(op)));
    await room.send(finishRun('listener', fence, 'succeeded', ''));
    expect(await room.redis.hlen(room.key('listening:listener'))).toBe(700);
    for (let key = 0; key < 1_200; key += 100) await emit(room, { id: `e${key}`, name: 'tick', correlationKey: `${key}` });
    expect(await room.queued()).toEqual([]);
    expect(await room.send(continueEnd())).toBe(true);
    expect(await room.send(continueEnd())).toBe(false);
    expect(await room.redis.keys(room.key('listen*'))).toEqual([]);
    expect(await room.redis.exists(room.key('ending'))).toBe(0);
  });
});
