import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, WaitCircleError, type WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';

interface Order {
  readonly depth: number;
}

describe('a run that waits for its own idempotency key', () => {
  it.each([0, 1, 3])('is refused, %d runs below the one that has it', async (depth) => {
    const flow = workflow('flow', async (ctx: WorkflowContext<Order>): Promise<unknown> => {
      const isLast = ctx.input.depth === depth;
      const options = isLast ? { idempotencyKey: 'first' } : {};
      return ctx.step.runWorkflow('next', 'flow', { depth: ctx.input.depth + 1 }, options);
    });
    const engine = await startEngine({ workflows: [flow] });
    const first = await engine.client.run(flow, { depth: 0 }, { idempotencyKey: 'first', runId: 'first' });
    let error: Error = await engine.failure(first);
    for (let level = 0; level < depth; level++) error = error.cause as Error;
    const { items } = await engine.client.listRuns({ workflow: 'flow', sort: 'asc' });
    const last = items[depth];
    expect(error).toBeInstanceOf(WaitCircleError);
    expect(error).toMatchObject({ runId: last.id, step: 'next', otherRunId: 'first', through: 'idempotencyKey' });
    const other = depth === 0 ? 'that run itself' : 'run "first", which waits for that run';
    expect(error.message).toBe(
      `Step "next" of run "${last.id}" would wait for ever: the idempotencyKey of its child names ${other}. ` +
        'Give the child another key, a `timeout`, or start it with emitWorkflow, which does not wait.',
    );
    expect(items).toHaveLength(depth + 1);
    // It is never retried.
    expect(last.attempt).toBe(1);
  });

  it('is refused where the circle is of runs that are no relatives', async () => {
    const other = { a: 'b', b: 'a' } as const;
    const flow = workflow('flow', async (ctx: WorkflowContext<'a' | 'b'>) => {
      await ctx.step.waitForEvent('go', { event: 'go', correlationKey: ctx.input });
      return ctx.step.runWorkflow('other', 'flow', null, { idempotencyKey: other[ctx.input] });
    });
    const engine = await startEngine({ workflows: [flow] });
    const [a, b] = await Promise.all(
      (['a', 'b'] as const).map((id) => engine.client.run(flow, id, { runId: id, idempotencyKey: id })),
    );
    for (const { id } of [a, b]) await engine.until(id, 'waiting');
    await engine.client.emitEvent('go', null, { correlationKey: 'a' });
    // Until it waits for b.
    for (;;) if ((await engine.client.getRunSteps('a')).some(({ name }) => name === 'other')) break;
    await engine.client.emitEvent('go', null, { correlationKey: 'b' });
    expect(await engine.failure(b)).toMatchObject({ code: 'WAIT_CIRCLE', runId: 'b', otherRunId: 'a' });
    expect(await engine.failure(a)).toMatchObject({ code: 'CHILD_WORKFLOW', childRunId: 'b' });
  });

  it('may wait with a timeout, and for a run that does not wait for it', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext): Promise<unknown> => {
      const own = ctx.step.runWorkflow('self', 'flow', null, { idempotencyKey: 'first', timeout: '1h' });
      const timedOut = own.catch((error: Error) => error.name);
      await ctx.step.emitWorkflow('watcher', watcher, undefined);
      return timedOut;
    });
    const watcher = workflow('watcher', (ctx: WorkflowContext) =>
      ctx.step.runWorkflow('watched', 'flow', null, { idempotencyKey: 'first' }),
    );
    const engine = await startEngine({ workflows: [flow, watcher] });
    const first = await engine.client.run(flow, undefined, { idempotencyKey: 'first' });
    await engine.until(first.id, 'waiting');
    const [watching] = (await engine.client.listRuns({ workflow: 'watcher' })).items;
    await engine.until(watching.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await first.result()).toBe('StepTimeoutError');
    expect(await engine.client.getHandle(watching.id).result()).toBe('StepTimeoutError');
  });
});

describe('a child that needs the mutex of a run that waits for it', () => {
  const stage = (use: (ctx: WorkflowContext<string>) => Promise<unknown>) => {
    const registry = createRegistry();
    defineWorkflow('flow', { registry, mutex: (key: string) => key, handler: use });
    defineWorkflow('between', {
      registry,
      handler: (ctx: WorkflowContext<string>) => ctx.step.runWorkflow('down', 'flow', ctx.input),
    });
    return startEngine({ registry });
  };

  it.each(['flow', 'between'])('is refused, started by %s', async (child) => {
    const engine = await stage((ctx) => ctx.step.runWorkflow('down', child, ctx.input));
    const handle = await engine.client.runByName('flow', 'key');
    const error = await engine.failure(handle);
    const circle = child === 'flow' ? error : (error.cause as Error);
    expect(circle).toBeInstanceOf(WaitCircleError);
    expect(circle).toMatchObject({ step: 'down', otherRunId: handle.id, through: 'mutex' });
    expect(circle.message).toContain('its child of workflow "flow" needs a mutex that is held by ');
    expect((await engine.client.listRuns({ workflow: 'flow' })).items).toHaveLength(1);
  });

  it('may have another key, or wait in line unwaited', async () => {
    const engine = await stage(async (ctx) => {
      if (ctx.input !== 'key') return ctx.input;
      if (ctx.run.parentRunId !== undefined) return 'done';
      await ctx.step.emitWorkflow('later', 'flow', 'key');
      return ctx.step.runWorkflow('down', 'flow', 'other');
    });
    expect(await (await engine.client.runByName('flow', 'key')).result()).toBe('other');
    for (const { id } of (await engine.client.listRuns({ workflow: 'flow' })).items) await engine.until(id, 'succeeded');
  });
});
