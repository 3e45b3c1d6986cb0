import { describe, expect, it } from '@jest/globals';
import { emitEvent } from '../../lib/engine/redis/emit-event.js';
import { Keyspace } from '../../lib/engine/redis/keyspace.js';
import { openEngineRoom } from '../support/engine-room.js';
import { newEvent, verdict } from '../support/event-room.js';
import { eventually } from '../support/eventually.js';
import { Stage } from './stage.js';

const FIXTURE = 'event-worker.mjs';

/** A stage whose run is parked, and whose only worker is then killed. */
async function parked(workflow: string, input: unknown = {}): Promise<{ stage: Stage; runId: string }> {
  const stage = new Stage();
  const worker = await stage.worker(FIXTURE);
  const { id } = await stage.client.runByName(workflow, input);
  await eventually(async () => expect((await stage.run(id)).status).toBe('waiting'));
  await worker.kill('SIGKILL');
  return { stage, runId: id };
}

describe('a run that waits when its only worker is killed', () => {
  it('gets the event that comes while nobody works', async () => {
    const { stage, runId } = await parked('waiter');
    const { resumedRunIds } = await stage.client.emitEventDetailed('signal', 'came', { correlationKey: runId });
    expect(resumedRunIds).toEqual([runId]);
    await stage.worker(FIXTURE);
    expect(await stage.client.getHandle(runId).result()).toEqual([1, 'came']);
    expect(await stage.counts(runId)).toEqual({ before: 1, after: 1 });
  });

  it.each(['event', 'timer', 'child'])('for any of several is won by the %s', async (by) => {
    const { stage, runId } = await parked('any', { by });
    if (by === 'event') await stage.client.emitEvent('signal', null, { correlationKey: runId });
    await stage.worker(FIXTURE);
    expect(await stage.client.getHandle(runId).result()).toBe(by);
    expect((await stage.client.listRuns({ workflow: 'child' })).items).toHaveLength(by === 'child' ? 1 : 0);
  });
});

describe('a worker that is killed', () => {
  it('between registering a wait and parking leaves one wait, which finds its event', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('doomed', {});
    await first.exited;
    const { event } = await stage.client.emitEventDetailed('signal', 'found', { correlationKey: handle.id });
    expect(event.resumedRunIds).toEqual([handle.id]);
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe('found');
    expect(await stage.counts(handle.id)).toEqual({ killer: 2 });
  });

  it('after a step has emitted an event emits it once', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName<string[]>('emitter', {});
    await first.exited;
    await stage.worker(FIXTURE);
    const ids = await handle.result();
    expect(ids).toHaveLength(1);
    await stage.client.getHandle(ids[0]).result();
    const events = (await stage.client.listEvents()).items;
    expect(events).toMatchObject([{ name: 'ticked', deliveryCount: 1, fanoutStatus: 'complete' }]);
    expect((await stage.client.listRuns({ workflow: 'subscriber' })).items).toHaveLength(1);
  });
});

describe('an emitter that dies half-way through a fan-out', () => {
  it('leaves the rest to any worker: each subscriber has one run', async () => {
    const stage = new Stage();
    // What a client does first; it would go on with the other 150.
    const room = openEngineRoom({ prefix: stage.prefix });
    const names = Array.from({ length: 250 }, (_, index) => `w${index}`);
    await room.send(emitEvent(newEvent({ verdicts: names.map((name) => verdict(name)) })));
    expect(await stage.client.getEvent('e1')).toMatchObject({ deliveryCount: 100, fanoutStatus: 'pending' });
    await stage.worker(FIXTURE);
    const event = await eventually(async () => {
      const found = await stage.client.getEvent('e1');
      expect(found?.fanoutStatus).toBe('complete');
      return found;
    });
    expect(event?.deliveryCount).toBe(250);
    expect(new Set(event?.deliveries.map(({ runId }) => runId)).size).toBe(250);
    const runs = await room.redis.zcard(`${new Keyspace(stage.prefix).root}:runs`);
    expect(runs).toBe(250);
  });
});
