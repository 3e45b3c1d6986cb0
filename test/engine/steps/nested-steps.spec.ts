import { describe, expect, it } from '@jest/globals';
import { NestedStepError, type WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';

describe('a step inside a step', () => {
  it('is a plain call, part of the outer step and not stored on its own', async () => {
    const calls: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const value = await ctx.step.run('outer', async (outer) => {
        calls.push('outer');
        const inner = await ctx.step.run('inner', (step) => {
          calls.push('inner');
          return [step.idempotencyKey === outer.idempotencyKey, new Date(0) instanceof Date];
        });
        return inner;
      });
      if (ctx.run.attempt === 1) throw new Error('once more');
      return value;
    };
    const flow = workflow('flow', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toEqual([true, true]);
    expect(calls).toEqual(['outer', 'inner']);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['outer']);
  });

  it('is warned about once, with both names', async () => {
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('outer', async () => {
        await ctx.step.run('first', () => 1);
        await ctx.step.run('first', () => 1);
        await ctx.step.run('second', () => 1);
      });
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    const warnings = engine.logs.matching('warn', /inside step/);
    expect(warnings).toHaveLength(1);
    expect(warnings[0].message).toContain('"outer"');
    expect(warnings[0].message).toContain('"first"');
    expect(warnings[0].fields).toMatchObject({ runId: handle.id, workflow: 'flow' });
  });

  it('throws what it throws, as a part of the outer one', async () => {
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('outer', async () => {
        await ctx.step.run('inner', () => {
          throw new RangeError('inner');
        });
      });
    const flow = workflow('flow', handler, { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.failure(handle)).toMatchObject({ name: 'RangeError', message: 'inner' });
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'outer', status: 'failed' }]);
  });

  it('leaves steps alone that the handler begins after the outer one', async () => {
    const handler = async (ctx: WorkflowContext) => {
      const chained = ctx.step.run('outer', () => 1).then(() => ctx.step.run('next', () => 2));
      return [await chained, await ctx.step.run('last', () => 3)];
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toEqual([2, 3]);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['outer', 'next', 'last']);
    expect(engine.logs.matching('warn', /inside step/)).toEqual([]);
  });

  it('may start another run that is executed by the same process', async () => {
    const inner = workflow('inner', (ctx: WorkflowContext) => ctx.step.run('one', () => 'inner'));
    const outer = workflow('outer', (ctx: WorkflowContext) =>
      ctx.step.run('start', async () => (await engine.client.run(inner, undefined)).result()),
    );
    const engine = await startEngine({ workflows: [inner, outer] });
    expect(await (await engine.client.run(outer, undefined)).result()).toBe('inner');
    expect(engine.logs.matching('warn', /inside step/)).toEqual([]);
  });
});

describe('a wait inside a step', () => {
  it('is a NestedStepError, which fails the run at once', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('outer', () => ctx.step.waitFor('nap', '1h')));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(NestedStepError);
    expect(error).toMatchObject({ runId: handle.id, outer: 'outer', inner: 'nap' });
    expect((await handle.getState()).attempt).toBe(1);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['outer']);
  });

  it('does not end the process where nobody awaits it', async () => {
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('outer', () => {
        void ctx.step.waitFor('nap', '1h');
        return 'done';
      });
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
  });
});
