import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, type When, type WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ownPasses, perPass } from '../../support/passes.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const sleeper = (target: () => When) =>
  workflow('sleeper', async (ctx: WorkflowContext) => {
    await ctx.step.waitFor('nap', target());
    return 'awake';
  });

describe('step.waitFor()', () => {
  it.each<[string, When, number]>([
    ['milliseconds', HOUR_MS, HOUR_MS],
    ['a duration', '90m', 1.5 * HOUR_MS],
    ['thirty days, longer than a timer of Node', '30d', 30 * DAY_MS],
    ['a hundred years', '100y', 36_525 * DAY_MS],
  ])('sleeps for %s', async (_form, target, ms) => {
    const flow = sleeper(() => target);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const { availableAt, startedAt = 0 } = await engine.until(handle.id, 'waiting');
    expect(availableAt - startedAt).toBeGreaterThanOrEqual(ms);
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(step).toMatchObject({ name: 'nap', kind: 'sleep', status: 'waiting', wakeAt: availableAt });
    await engine.advance(ms);
    expect(await handle.result()).toBe('awake');
    const [ended] = await engine.client.getRunSteps(handle.id);
    expect(ended).toMatchObject({ status: 'succeeded' });
    expect(ended).not.toHaveProperty('wakeAt');
    expect((ended.finishedAt ?? 0) - ended.startedAt).toBeGreaterThanOrEqual(ms);
  });

  it('does not end early', async () => {
    const flow = sleeper(() => '1d');
    const engine = await startEngine({ workflows: [flow], worker: { blockTimeoutMs: 10 } });
    const handle = await engine.client.run(flow, undefined);
    const before = await engine.until(handle.id, 'waiting');
    await engine.advance(DAY_MS - 60_000);
    // A later run has been looked at since, so the sleeper was, too.
    const later = await engine.client.run(flow, undefined);
    await engine.until(later.id, 'waiting');
    expect(await handle.getState()).toEqual(before);
    await engine.advance(60_000);
    expect(await handle.result()).toBe('awake');
  });

  it('sleeps until a Date', async () => {
    const engine = await startEngine({ worker: false });
    const at = (await engine.now()) + HOUR_MS;
    const flow = sleeper(() => new Date(at));
    await engine.startWorker({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect((await engine.until(handle.id, 'waiting')).availableAt).toBe(at);
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('awake');
  });

  it('sleeps until the year 9999', async () => {
    const at = new Date('9999-12-31T23:59:59.999Z');
    const flow = sleeper(() => at);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect((await engine.until(handle.id, 'waiting')).availableAt).toBe(at.getTime());
    expect((await engine.client.getRunSteps(handle.id))[0].wakeAt).toBe(at.getTime());
  });

  it.each<[string, When]>([
    ['zero', 0],
    ['minus zero', -0],
    ['a negative number', -HOUR_MS],
    ['a negative duration', '-1h'],
    ['a fraction of a millisecond', 0.2],
    ['a past Date', new Date(0)],
    ['a Date before 1970', new Date(-1)],
  ])('is over at once for %s', async (_form, target) => {
    const flow = sleeper(() => target);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('awake');
    expect(await engine.client.getRunAttempts(handle.id)).toHaveLength(1);
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'nap', kind: 'sleep', status: 'succeeded' }]);
  });

  it.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['an invalid Date', new Date(Number.NaN)],
    ['text', 'tomorrow'],
    ['the empty string', ''],
    ['undefined', undefined],
    ['null', null],
    ['a thousand years', '1000y'],
  ])('is a typed error for %s', async (_form, target) => {
    const flow = sleeper(() => target as When);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option: 'target' });
    expect((await handle.getState()).attempt).toBe(1);
    expect(await engine.client.getRunSteps(handle.id)).toEqual([]);
  });

  it('keeps its deadline over a restart and whatever later passes ask for', async () => {
    let asked = 10;
    const flow = sleeper(() => `${asked++}h`);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const { availableAt } = await engine.until(handle.id, 'waiting');
    await engine.worker.stop();
    await engine.advance(9 * HOUR_MS);
    await engine.startWorker();
    expect(await handle.getState()).toMatchObject({ status: 'waiting', availableAt });
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('awake');
    expect(asked).toBe(12);
  });

  it('keeps its deadline over a retry', async () => {
    const handler = async (ctx: WorkflowContext) => {
      const nap = ctx.step.waitFor('nap', '10h');
      if (ctx.run.attempt === 1) {
        await ctx.step.run('one', () => 1);
        throw new Error('boom');
      }
      await nap;
    };
    const flow = workflow('flow', handler, { retries: { delay: '4h' } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const deadline = await eventually(
      async () => (await handle.getState()).attempt === 2 && (await engine.client.getRunSteps(handle.id))[1].wakeAt,
    );
    await engine.advance(4 * HOUR_MS);
    await eventually(async () => (await handle.getState()).availableAt === deadline);
    await engine.advance(6 * HOUR_MS);
    await handle.result();
  });

  it('ends within the pass where a step keeps it alive', async () => {
    const order: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      let wake!: () => void;
      const awake = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const nap = ctx.step.waitFor('nap', 5).then(() => {
        order.push('nap');
        wake();
      });
      await Promise.all([nap, ctx.step.run('slow', () => awake.then(() => void order.push('slow')))]);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(perPass(order)).toEqual(['nap', 'slow']);
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toHaveLength(1);
  });

  it('may follow one another a hundred times', async () => {
    const handler = async (ctx: WorkflowContext) => {
      for (let i = 0; i < 100; i++) await ctx.step.waitFor(`nap ${i}`, i % 2);
      return 'awake';
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('awake');
  });
});

describe('parked runs', () => {
  it('hold no slot: with concurrency 1 and 200 of them a new run starts', async () => {
    const nap = sleeper(() => '30d');
    const quick = workflow('quick', () => 'quick');
    const engine = await startEngine({ workflows: [nap, quick], worker: { concurrency: 1 } });
    const handles = await engine.client.runMany(
      nap,
      Array.from({ length: 200 }, () => ({ input: undefined })),
    );
    for (const { id } of handles) await engine.until(id, 'waiting');
    expect(await (await engine.client.run(quick, undefined)).result()).toBe('quick');
    await engine.advance(30 * DAY_MS);
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results).toEqual(Array.from({ length: 200 }, () => 'awake'));
  });

  it('are woken by any worker, in the order of their deadlines', async () => {
    const order: number[] = [];
    const nap = workflow('nap', async (ctx: WorkflowContext<number>) => {
      await ctx.step.waitFor('nap', `${ctx.input}h`);
      order.push(ctx.input);
    });
    const engine = await startEngine({ workflows: [nap] });
    const handles = await engine.client.runMany(
      nap,
      [5, 1, 4, 2, 3].map((input) => ({ input })),
    );
    for (const { id } of handles) await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.advance(5 * HOUR_MS);
    await engine.startWorker({ concurrency: 1 });
    for (const handle of handles) await handle.result();
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });
});
