import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunRecord } from 'nestjs-redflow/engine';
import { eventually } from '../support/eventually.js';
import { type LossyProxy, startLossyProxy } from '../support/lossy-proxy.js';
import { testRedisUrl } from '../support/namespace.js';
import { countsOf, Stage } from './stage.js';

const FIXTURE = 'event-worker.mjs';
/** As the fixture has it. */
const SUBSCRIBERS = 250;
const LINES = 300;

const proxies: LossyProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});

/** A run that waits, and no worker any more. */
async function abandoned(stage: Stage, workflow: string, input: object) {
  const first = await stage.worker(FIXTURE);
  const handle = await stage.client.runByName(workflow, input);
  await eventually(async () => {
    expect((await stage.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['before', 'wait']);
    expect((await stage.run(handle.id)).status).toBe('waiting');
  });
  await first.kill('SIGKILL');
  return handle;
}

const approve = (stage: Stage, runId: string, data: unknown) =>
  stage.client.emitEventDetailed('order.approved', data, { correlationKey: runId });

async function untilPassed(stage: Stage, epochMs: number): Promise<void> {
  await eventually(async () => expect(await stage.now()).toBeGreaterThan(epochMs));
}

/** All runs that a workflow, or an event, has had. */
async function runsWhere(stage: Stage, matches: (run: RunRecord) => boolean): Promise<RunRecord[]> {
  const found: RunRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await stage.client.listRuns({ limit: 100, cursor });
    found.push(...page.items.filter(matches));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe('a run that waits for an event when its only worker is killed', () => {
  it('gets the event that was emitted while no worker lived', async () => {
    const stage = new Stage();
    const handle = await abandoned(stage, 'listener', {});
    expect((await approve(stage, handle.id, 7)).resumedRunIds).toEqual([handle.id]);
    await approve(stage, handle.id, 8);
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe(7);
    expect(await stage.counts(handle.id)).toEqual({ before: 1, after: 1 });
  });

  it('has timed out when the event came after its time, though nobody looked in between', async () => {
    const stage = new Stage();
    const handle = await abandoned(stage, 'listener', { timeout: 600 });
    await untilPassed(stage, (await stage.run(handle.id)).availableAt);
    expect((await approve(stage, handle.id, 7)).resumedRunIds).toEqual([]);
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe('timeout');
    expect(await stage.counts(handle.id)).toEqual({ before: 1, after: 1 });
  });

  it.each(['event', 'any'])('gets it when the worker dies between registering the wait and parking: %s', async (kind) => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('doomed', { kind });
    await first.exited;
    expect((await approve(stage, handle.id, 7)).event.resumedRunCount).toBe(1);
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe(7);
    expect(await stage.counts(handle.id)).toEqual({ killer: 2 });
    expect(await stage.run(handle.id)).toMatchObject({ attempt: 1, recoveries: 1 });
  });
});

describe('a run that waits for the first of several when its only worker is killed', () => {
  it.each([
    { winner: 'event', input: { timer: '1h', child: '1h' }, data: 7, effects: {} },
    { winner: 'timer', input: { timer: 600, child: '1h' }, data: undefined, effects: {} },
    { winner: 'child', input: { timer: '1h', child: 600 }, data: 1, effects: { child: 1 } },
  ])('goes on with the $winner', async ({ winner, input, data, effects }) => {
    const stage = new Stage();
    const handle = await abandoned(stage, 'racer', input);
    const { availableAt } = await stage.run(handle.id);
    if (winner === 'event') await approve(stage, handle.id, data);
    if (winner === 'timer') await untilPassed(stage, availableAt);
    await stage.worker(FIXTURE);
    expect(await handle.result()).toEqual({ winner, data });
    // What comes later changes nothing, and the child that lost is still the only one.
    await approve(stage, handle.id, 8);
    expect(await stage.client.getRunSteps(handle.id)).toMatchObject([
      { name: 'before' },
      { output: { winner } },
      { name: 'after' },
    ]);
    expect(await stage.counts(handle.id)).toEqual({ before: 1, after: 1, ...effects });
    expect(await runsWhere(stage, ({ workflow }) => workflow === 'child')).toHaveLength(1);
  });
});

describe('an event whose emitter is killed', () => {
  it('has one run per subscriber, wherever in a row of emissions the worker died', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE, { options: { concurrency: 1 } });
    const handle = await stage.client.runByName('lister', { lines: LINES });
    await eventually(async () => expect((await stage.client.getRunSteps(handle.id)).length).toBeGreaterThan(10));
    await first.kill('SIGKILL');
    expect((await stage.run(handle.id)).status).toBe('running');
    await stage.worker(FIXTURE);
    const runIds = (await handle.result()) as string[];
    expect(new Set(runIds).size).toBe(LINES);
    await Promise.all(runIds.map((id) => stage.client.getHandle(id).result()));
    const lines = await runsWhere(stage, ({ workflow }) => workflow === 'line');
    expect(lines.map(({ id }) => id).sort()).toEqual([...runIds].sort());
    const once = Object.fromEntries(Array.from({ length: LINES }, (_, line) => [`line ${line}`, 1]));
    expect(await stage.counts(handle.id)).toEqual(once);
  });

  it.each(['client', 'step'])('half way of a fan-out reaches every subscriber exactly once: %s', async (emitter) => {
    const stage = new Stage();
    const proxy = await startLossyProxy(testRedisUrl());
    proxies.push(proxy);
    // Its declarations outlive it; the one that emits in a step sees Redis through the proxy.
    const first = await stage.worker(FIXTURE, emitter === 'step' ? { url: proxy.url } : {});
    if (emitter === 'client') await first.kill('SIGKILL');
    // The event is written and the first of its runs are created, but its emitter never learns that there is more to do.
    const halfWay = proxy.dropReplyTo(/\r\nemit_event\r\n/).then(() => proxy.pause());
    const handle = emitter === 'step' ? await stage.client.runByName('announcer', {}) : undefined;
    const order = handle?.id ?? 'order-1';
    const args = ['order.placed', JSON.stringify({ order }), 'placed'];
    const killed = handle ? first : stage.spawn('emitter.mjs', { url: proxy.url, args });
    await halfWay;
    await killed.kill('SIGKILL');
    expect(await stage.client.getEvent('placed')).toMatchObject({
      fanoutStatus: 'pending',
      subscriberCount: SUBSCRIBERS,
      deliveryCount: 100,
    });
    await stage.worker(FIXTURE, { options: { concurrency: 50 } });
    await eventually(async () => {
      const event = await stage.client.getEvent('placed');
      expect(event).toMatchObject({ fanoutStatus: 'complete', deliveryCount: SUBSCRIBERS, failedDeliveryCount: 0 });
    });
    const runs = await runsWhere(stage, ({ trigger }) => trigger === 'event');
    expect(runs).toHaveLength(SUBSCRIBERS);
    if (handle) expect([...((await handle.result()) as string[])].sort()).toEqual(runs.map(({ id }) => id).sort());
    await Promise.all(runs.map(({ id }) => stage.client.getHandle(id).result()));
    const once = Object.fromEntries(Array.from({ length: SUBSCRIBERS }, (_, index) => [`subscriber ${index}`, 1]));
    expect(countsOf(await stage.effects(order))).toEqual(once);
  });
});
