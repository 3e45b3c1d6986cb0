import { describe, expect, it } from '@jest/globals';
import { ChildWorkflowError, NestedStepError, StepTimeoutError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';

const double = workflow('double', async (ctx: WorkflowContext<number>) => ctx.input * 2);
const failing = workflow(
  'failing',
  async () => {
    throw new TypeError('no such thing');
  },
  { maxAttempts: 1 },
);

describe('step.runWorkflow()', () => {
  it("answers the child's output, and the child knows where it came from", async () => {
    const parent = workflow('parent', (ctx: WorkflowContext<number>) => ctx.step.runWorkflow('twice', double, ctx.input));
    const engine = await startEngine({ workflows: [parent, double] });
    const handle = await engine.client.run(parent, 21);
    expect(await handle.result()).toBe(42);
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(step).toMatchObject({ name: 'twice', kind: 'child', status: 'succeeded', output: 42 });
    expect(await engine.client.getRun(step.childRunId as string)).toMatchObject({
      workflow: 'double',
      trigger: 'child',
      parentRunId: handle.id,
      parentStep: 'twice',
      rootRunId: handle.id,
      input: 21,
    });
  });

  it("throws the child's error with its cause, starts no second child on a retry, and replays it", async () => {
    const attempts = new Set<number>();
    const parent = workflow(
      'parent',
      async (ctx: WorkflowContext) => {
        attempts.add(ctx.run.attempt);
        await ctx.step.runWorkflow('fails', failing, null);
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [parent, failing] });
    const handle = await engine.client.run(parent, undefined);
    const { cause } = await rejection(handle.result());
    expect(cause).toBeInstanceOf(ChildWorkflowError);
    expect((cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'no such thing' });
    expect([...attempts]).toEqual([1, 2]);
    expect((await engine.client.listRuns({ workflow: 'failing' })).items).toHaveLength(1);
  });

  it('answers all of many runs that wait for one child', async () => {
    const held = gate();
    const slow = workflow('slow', () => held.promise.then(() => 'done'));
    const parent = workflow('parent', (ctx: WorkflowContext) =>
      ctx.step.runWorkflow('shared', slow, undefined, { idempotencyKey: 'shared' }),
    );
    const engine = await startEngine({ workflows: [parent, slow], worker: { reaperIntervalMs: 50, concurrency: 50 } });
    const handles = await engine.client.runMany(
      parent,
      Array.from({ length: 250 }, () => ({ input: undefined })),
    );
    for (const { id } of handles) await engine.until(id, 'waiting');
    held.open();
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(handles.map(() => 'done'));
    expect((await engine.client.listRuns({ workflow: 'slow' })).items).toHaveLength(1);
  });

  it('times out for good, even if the child ends later', async () => {
    const held = gate();
    const slow = workflow('slow', async (ctx: WorkflowContext) => {
      await ctx.step.run('held', () => held.promise);
      return 'late';
    });
    const seen: string[] = [];
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      const error = await ctx.step.runWorkflow('slow', slow, undefined, { timeout: '1h' }).catch((caught: Error) => caught);
      seen.push((error as Error).name);
      held.open();
      await ctx.step.waitFor('until it ended', '1h');
      return (error as Error).name;
    });
    const engine = await startEngine({ workflows: [parent, slow] });
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    const [step] = await engine.client.getRunSteps(handle.id);
    await engine.until(step.childRunId as string, 'succeeded');
    await engine.advance(3_600_000);
    expect(await handle.result()).toBe(StepTimeoutError.name);
    expect(new Set(seen)).toEqual(new Set([StepTimeoutError.name]));
  });

  it('goes fifty levels deep with a concurrency of 1', async () => {
    const down = workflow('down', async (ctx: WorkflowContext<number>): Promise<number> => {
      if (ctx.input === 0) return 0;
      return 1 + (await ctx.step.runWorkflow<number, number>('further', 'down', ctx.input - 1));
    });
    const engine = await startEngine({ workflows: [down], worker: { concurrency: 1 } });
    expect(await (await engine.client.run(down, 50)).result()).toBe(50);
  });

  it('strands no parent of an instant child, 500 times', async () => {
    const parent = workflow('parent', (ctx: WorkflowContext<number>) => ctx.step.runWorkflow('twice', double, ctx.input));
    const engine = await startEngine({ workflows: [parent, double], worker: { concurrency: 20 } });
    const handles = await engine.client.runMany(
      parent,
      Array.from({ length: 500 }, (_, input) => ({ input })),
    );
    const outputs = await Promise.all(handles.map((handle) => handle.result()));
    expect(outputs).toEqual(handles.map((_, input) => input * 2));
    expect((await engine.client.listRuns({ workflow: 'double', limit: 1_000 })).items).toHaveLength(500);
  });

  it('is told of a child that ends while a sibling step runs', async () => {
    const held = gate();
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      const child = ctx.step.runWorkflow('twice', double, 4).then((output) => {
        held.open();
        return output;
      });
      return Promise.all([child, ctx.step.run('long', () => held.promise.then(() => 'long'))]);
    });
    const engine = await startEngine({ workflows: [parent, double], worker: { blockTimeoutMs: 60_000 } });
    expect(await (await engine.client.run(parent, undefined)).result()).toEqual([8, 'long']);
  });

  it('waits for a run that its idempotency key names, ended or not', async () => {
    const parent = workflow('parent', (ctx: WorkflowContext) =>
      ctx.step.runWorkflow('twice', double, 5, { idempotencyKey: 'shared' }),
    );
    const engine = await startEngine({ workflows: [parent, double] });
    const first = await engine.client.run(double, 5, { idempotencyKey: 'shared' });
    await first.result();
    const handle = await engine.client.run(parent, undefined);
    expect(await handle.result()).toBe(10);
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(step.childRunId).toBe(first.id);
    expect((await engine.client.listRuns({ workflow: 'double' })).items).toHaveLength(1);
  });

  it('refuses an unknown workflow and a call inside a step, and starts nothing', async () => {
    const unknown = workflow('unknown', (ctx: WorkflowContext) => ctx.step.runWorkflow('x', 'dubble', 1), { maxAttempts: 1 });
    const nested = workflow('nested', (ctx: WorkflowContext) =>
      ctx.step.run('outer', () => ctx.step.runWorkflow('inner', double, 1)),
    );
    const engine = await startEngine({ workflows: [unknown, nested, double] });
    const missing = await rejection((await engine.client.run(unknown, undefined)).result());
    expect(missing.cause).toMatchObject({ name: 'UnknownWorkflowError', suggestions: ['double'] });
    const inside = await rejection((await engine.client.run(nested, undefined)).result());
    expect(inside.cause).toBeInstanceOf(NestedStepError);
    expect((await engine.client.listRuns({ workflow: 'double' })).items).toEqual([]);
  });
});

describe('a child that is started while its parent ends', () => {
  it('leaves no timer behind', async () => {
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      void ctx.step.runWorkflow('kid', double, 1, { timeout: '1h' });
      // By now the start is on its way, and not yet answered.
      await ctx.step.run('turn', () => new Promise<void>((resolve) => setImmediate(resolve)));
      return 'done';
    });
    const engine = await startEngine({ workflows: [parent, double] });
    // What is left open when a test ends fails it.
    expect(await (await engine.client.run(parent, undefined)).result()).toBe('done');
  });
});

describe('step.emitWorkflow()', () => {
  it('answers the id of the child and goes on; a retry answers the same', async () => {
    const ids: string[] = [];
    const parent = workflow(
      'parent',
      async (ctx: WorkflowContext) => {
        ids.push(await ctx.step.emitWorkflow('later', double, 3, { tags: { from: 'parent' }, priority: 2 }));
        if (ids.length === 1) throw new Error('again');
        return ids[0];
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [parent, double] });
    const childRunId = await (await engine.client.run(parent, undefined)).result();
    expect(ids).toEqual([childRunId, childRunId]);
    const child = engine.client.getHandle<number>(childRunId);
    expect(await child.result()).toBe(6);
    expect(await child.getState()).toMatchObject({ trigger: 'child', tags: { from: 'parent' }, priority: 2 });
  });
});
