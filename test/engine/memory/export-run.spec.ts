import { describe, expect, it } from '@jest/globals';
import { type ExportedRun, type WorkflowContext } from '../../../lib/engine/index.js';
import { replayRun } from '../../../lib/testing/index.js';
import { aesCodec } from '../../support/codecs.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const child = workflow('child', () => ({ from: 'child' }));

/** As it comes back from a file. */
const throughJson = (run: ExportedRun): ExportedRun => JSON.parse(JSON.stringify(run));

describe('exportRun()', () => {
  it('gives the run, its steps, its passes and its payloads as JSON', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext<{ id: string }>) => {
      await ctx.patched('change');
      await ctx.step.run('charge', ({ progress }) => progress({ done: 1 }).then(() => ({ receipt: 'r1' })));
      await ctx.step.runWorkflow('child', child, null);
      await ctx.step.emitWorkflow('later', child, null, { runAt: '1h' });
      await ctx.step.run('none', () => undefined);
      const declined = ctx.step.run('declined', () => Promise.reject(new RangeError('too much')));
      await declined.catch(() => undefined);
      return { shipped: ctx.input.id };
    });
    const engine = await startEngine({ workflows: [flow, child] });
    const handle = await engine.client.run(flow, { id: 'o1' }, { tags: { tenant: 't1' } });
    await handle.result();
    const exported = await engine.client.exportRun(handle.id);
    expect(throughJson(exported)).toEqual(JSON.parse(JSON.stringify(exported)));
    expect(exported.format).toBe('redflow.run/1');
    expect(exported.run).toEqual(await engine.client.getRun(handle.id));
    expect(exported.run).toMatchObject({
      status: 'succeeded',
      input: { id: 'o1' },
      output: { shipped: 'o1' },
      tags: { tenant: 't1' },
      patches: { change: true },
    });
    expect(exported.attempts).toEqual(await engine.client.getRunAttempts(handle.id));
    const steps = await engine.client.getRunSteps(handle.id);
    expect(exported.steps.map(({ stored: _stored, frame: _frame, ...step }) => step)).toEqual(steps);
    expect(steps.map(({ name }) => name)).toEqual(['charge', 'child', 'later', 'none', 'declined']);
    expect(exported.steps[0]).toMatchObject({ output: { receipt: 'r1' }, progress: { done: 1 } });
  });

  it('gives waits with the events that ended them, the event that started the run, its headers and its points', async () => {
    const flow = workflow(
      'flow',
      async (ctx: WorkflowContext<{ id: number }>) => {
        const one = await ctx.step.waitForEvent<number>('one', { event: 'go', correlationKey: 'k' });
        const any = await ctx.step.waitForAny('any', { go: { event: 'go', correlationKey: 'k' }, late: { for: '1h' } });
        const timer = await ctx.step.waitForAny('timer', { soon: { for: 1 } });
        await ctx.commit();
        return { one: one?.data, any, timer: timer.winner, by: ctx.event?.name };
      },
      { event: [{ name: 'order.placed' }] },
    );
    const context = { capture: () => ({ tenant: 't1' }), restore: <T>(_: unknown, next: () => T) => next() };
    const engine = await startEngine({ workflows: [flow], client: { context } });
    const [handle] = await engine.client.emitEvent('order.placed', { id: 1 });
    await engine.until(handle.id, 'waiting');
    await engine.client.emitEvent('go', 1, { correlationKey: 'k' });
    await engine.client.emitEvent('go', { two: 2 }, { correlationKey: 'k' });
    await handle.result();
    const exported = throughJson(await engine.client.exportRun(handle.id));
    expect(exported).toMatchObject({
      event: { name: 'order.placed' },
      headers: { context: { tenant: 't1' } },
      notes: { pt: '1,4' },
    });
    expect(exported.run.output).toMatchObject({ one: 1, any: { winner: 'go' }, timer: 'soon', by: 'order.placed' });
    expect((await replayRun(flow, exported)).departures).toEqual([]);
  });

  it('gives what a codec has stored in clear, without its frame', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext<{ card: string }>) => {
      await ctx.step.waitForEvent('event', { event: 'go', correlationKey: 'k' });
      await ctx.step.run('charge', () => ({ receipt: ctx.input.card }));
      throw new Error(`declined: ${ctx.input.card}`);
    });
    const codec = aesCodec();
    const engine = await startEngine({ workflows: [flow], client: { codec }, worker: { codec } });
    const handle = await engine.client.run(flow, { card: '4242' }, { maxAttempts: 1 });
    await engine.until(handle.id, 'waiting');
    await engine.client.emitEvent('go', { secret: 1 }, { correlationKey: 'k' });
    await engine.until(handle.id, 'failed');
    const exported = throughJson(await engine.client.exportRun(handle.id));
    expect(exported.run).toMatchObject({ input: { card: '4242' }, error: { message: 'declined: 4242' } });
    expect(exported.steps).toMatchObject([{ output: { data: { secret: 1 } } }, { output: { receipt: '4242' } }]);
    expect((await replayRun(flow, exported)).departures).toEqual([]);
  });

  it('reads a large run in pages, and a packed one', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext<number>) => {
      for (let i = 0; i < ctx.input; i++) await ctx.step.run(`step ${i}`, () => i);
    });
    const engine = await startEngine({ workflows: [flow] });
    const large = await ended(engine, flow, 400);
    expect(large.steps).toHaveLength(400);
    expect((await replayRun(flow, large)).departures).toEqual([]);
    const small = await engine.client.run(flow, 2);
    await small.result();
    await eventually(async () => expect(await engine.redis.exists(engine.key(`data:${small.id}`))).toBe(0));
    const packed = throughJson(await engine.client.exportRun(small.id));
    expect(packed.steps.map(({ output }) => output)).toEqual([0, 1]);
    expect((await replayRun(flow, packed)).departures).toEqual([]);
  });

  it('gives runs that have not ended', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => 1);
      await ctx.step.waitFor('nap', '1h');
    });
    const engine = await startEngine({ workflows: [flow] });
    const scheduled = await engine.client.run(flow, undefined, { runAt: '1h' });
    expect(await engine.client.exportRun(scheduled.id)).toMatchObject({ run: { status: 'scheduled' }, steps: [], attempts: [] });
    const waiting = await engine.client.run(flow, undefined);
    await engine.until(waiting.id, 'waiting');
    expect(await engine.client.exportRun(waiting.id)).toMatchObject({
      run: { status: 'waiting' },
      steps: [
        { name: 'a', status: 'succeeded' },
        { name: 'nap', status: 'waiting' },
      ],
    });
  });

  it.each(['unknown', 'x'.repeat(200)])('rejects with RunNotFoundError for %p', async (id) => {
    const engine = await startEngine({ worker: false });
    expect(await rejection(engine.client.exportRun(id))).toMatchObject({ name: 'RunNotFoundError', runId: id });
  });
});

async function ended<I>(engine: Engine, flow: ReturnType<typeof workflow<I, unknown>>, input: I): Promise<ExportedRun> {
  const handle = await engine.client.run(flow, input);
  await handle.result();
  return throughJson(await engine.client.exportRun(handle.id));
}
