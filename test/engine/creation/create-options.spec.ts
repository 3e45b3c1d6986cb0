import { describe, expect, it } from '@jest/globals';
import type { CreateOptions, WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const HOUR_MS = 3_600_000;

describe('runAt', () => {
  const noop = workflow('noop', () => 'done');

  it.each([
    ['a number of milliseconds', HOUR_MS],
    ['a duration', '1h'],
  ])('counts %s from now, on the clock of Redis', async (_form, runAt) => {
    const engine = await startEngine({ workflows: [noop] });
    await engine.advance(1_000 * HOUR_MS);
    const handle = await engine.client.run(noop, undefined, { runAt });
    const run = await handle.getState();
    expect(run.status).toBe('scheduled');
    expect(run.availableAt - run.createdAt).toBe(HOUR_MS);
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('done');
    const { availableAt, startedAt = 0 } = await handle.getState();
    expect(startedAt).toBeGreaterThanOrEqual(availableAt);
  });

  it('takes a Date as an instant', async () => {
    const engine = await startEngine({ workflows: [noop] });
    const at = (await engine.now()) + HOUR_MS;
    const handle = await engine.client.run(noop, undefined, { runAt: new Date(at) });
    expect(await handle.getState()).toMatchObject({ status: 'scheduled', availableAt: at });
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('done');
  });

  it.each([
    ['a past Date', new Date(1)],
    ['a Date before 1970', new Date(-1)],
    ['a negative number', -5],
    ['a negative duration', '-1h'],
    ['zero', 0],
  ])('takes %s for now', async (_form, runAt) => {
    const engine = await startEngine({ workflows: [noop] });
    const handle = await engine.client.run(noop, undefined, { runAt });
    expect(await handle.result()).toBe('done');
    const run = await handle.getState();
    expect(run.availableAt).toBe(run.createdAt);
  });

  it('takes a Date in the year 9999', async () => {
    const at = new Date('9999-12-31T23:59:59.999Z');
    const engine = await startEngine({ workflows: [noop] });
    const handle = await engine.client.run(noop, undefined, { runAt: at });
    expect(await handle.getState()).toMatchObject({ status: 'scheduled', availableAt: at.getTime() });
  });
});

describe('order of runs', () => {
  /** Creates the runs while nobody works, then lets one worker take them one by one. */
  async function orderOf(options: CreateOptions[]): Promise<string[]> {
    const order: string[] = [];
    const note = workflow('note', (ctx: WorkflowContext) => void order.push(ctx.run.id));
    const engine = await startEngine({ workflows: [note], worker: false });
    const handles = [];
    for (const one of options) handles.push(await engine.client.run(note, undefined, one));
    await engine.startWorker({ concurrency: 1 });
    for (const handle of handles) await handle.result();
    return order;
  }

  it('is that of creation inside a priority', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `run-${i}`);
    expect(await orderOf(ids.map((runId) => ({ runId })))).toEqual(ids);
  });

  it('puts higher priorities first, 0 being the default', async () => {
    const order = await orderOf([
      { runId: 'default' },
      { runId: 'nine-a', priority: 9 },
      { runId: 'zero', priority: 0 },
      { runId: 'five', priority: 5 },
      { runId: 'nine-b', priority: 9 },
      { runId: 'one', priority: 1 },
    ]);
    expect(order).toEqual(['nine-a', 'nine-b', 'five', 'one', 'default', 'zero']);
  });

  it('takes the priority of the workflow where the call gives none', async () => {
    const order: string[] = [];
    const note = (ctx: WorkflowContext) => void order.push(ctx.run.id);
    const usual = workflow('usual', note);
    const urgent = workflow('urgent', note, { priority: 3 });
    const engine = await startEngine({ workflows: [usual, urgent], worker: false });
    await engine.client.run(usual, undefined, { runId: 'usual' });
    await engine.client.run(urgent, undefined, { runId: 'urgent' });
    await engine.client.run(urgent, undefined, { runId: 'demoted', priority: 0 });
    await engine.startWorker({ concurrency: 1 });
    await eventually(() => order.length === 3);
    expect(order).toEqual(['urgent', 'usual', 'demoted']);
  });
});

describe('queues', () => {
  it('are claimed only by workers that serve them', async () => {
    const where = workflow('where', (ctx: WorkflowContext) => ctx.run.queue, { queue: 'a' });
    const engine = await startEngine({ workflows: [where], worker: { queues: ['a', 'b'] } });
    const [inA, inB, inC] = await engine.client.runMany(where, [
      { input: undefined },
      { input: undefined, queue: 'b' },
      { input: undefined, queue: 'c' },
    ]);
    expect(await inA.result()).toBe('a');
    expect(await inB.result()).toBe('b');
    expect((await inC.getState()).status).toBe('queued');
    const stats = await engine.client.getStats();
    expect(stats.queues.find(({ name }) => name === 'c')).toMatchObject({ depth: 1 });
    await engine.startWorker({ queues: ['c'] });
    expect(await inC.result()).toBe('c');
  });

  it('do not block each other', async () => {
    const release = gate();
    const slow = workflow('slow', () => release.promise, { queue: 'slow' });
    const fast = workflow('fast', () => 'fast', { queue: 'fast' });
    const engine = await startEngine({ workflows: [slow, fast], worker: { concurrency: 2 } });
    const first = await engine.client.run(slow, undefined);
    await engine.until(first.id, 'running');
    const handle = await engine.client.run(fast, undefined);
    expect(await handle.result()).toBe('fast');
    release.open();
    await first.result();
  });
});

describe('runMany()', () => {
  it('creates every run, in order', async () => {
    const echo = workflow('echo', (ctx: WorkflowContext<number>) => ctx.input);
    const engine = await startEngine({ workflows: [echo] });
    const numbers = Array.from({ length: 1_500 }, (_, i) => i);
    const handles = await engine.client.runMany(
      echo,
      numbers.map((input) => ({ input })),
    );
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(numbers);
  });

  it('returns nothing for nothing', async () => {
    const engine = await startEngine({ worker: false });
    expect(
      await engine.client.runMany(
        workflow('noop', () => undefined),
        [],
      ),
    ).toEqual([]);
  });
});

describe('tags', () => {
  it('reach the handler and hold any text', async () => {
    const tags = { 'größe:{}*': 'wert\n', empty: '' };
    const show = workflow('show', (ctx: WorkflowContext) => ({ ...ctx.run.tags }));
    const engine = await startEngine({ workflows: [show] });
    const handle = await engine.client.run(show, undefined, { tags });
    expect(await handle.result()).toEqual(tags);
    expect((await handle.getState()).tags).toEqual(tags);
  });

  it('may be sixteen', async () => {
    const tags = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`${i}`.padEnd(64, 'n'), 'v'.repeat(256)]));
    const show = workflow('show', (ctx: WorkflowContext) => ({ ...ctx.run.tags }));
    const engine = await startEngine({ workflows: [show] });
    const handle = await engine.client.run(show, undefined, { tags });
    expect(await handle.result()).toEqual(tags);
  });
});
