import { describe, expect, it } from '@jest/globals';
import { NestedStepError, RunFailedError, type WorkflowContext } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';

/** Node reports rejections that nobody handles by then; jest fails the test for them. */
const twoTurns = async () => {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
};

describe('a promise that nobody awaits', () => {
  it('of result() does not end the process when the run fails, and can be awaited later', async () => {
    const flow = workflow('flow', () => Promise.reject(new Error('no')), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const early = handle.result();
    await engine.until(handle.id, 'failed');
    await rejection(handle.result());
    await twoTurns();
    expect(await rejection(early)).toBeInstanceOf(RunFailedError);
  });

  it('of result() does not end the process when the client closes', async () => {
    const flow = workflow('flow', () => undefined);
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(flow, undefined);
    void handle.result();
    await engine.client.close();
    await twoTurns();
  });

  it('of a step inside a step fails in the log', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) =>
      ctx.step.run('outer', async () => {
        void ctx.step.run('inner', () => Promise.reject(new TypeError('no')));
        await twoTurns();
        return 'done';
      }),
    );
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
    const [line] = engine.logs.matching('warn', /^Step "inner", a part of step "outer", failed: /);
    expect(line.fields).toMatchObject({ error: { name: 'TypeError' } });
  });

  it.each([
    ['a step', (ctx: WorkflowContext) => ctx.step.run('twice', () => Promise.reject(new Error('no')))],
    ['a wait', (ctx: WorkflowContext) => ctx.step.waitFor('w', Number.NaN)],
    ['an event', (ctx: WorkflowContext) => ctx.step.emitEvent('e', 'order.placed', 1n)],
    ['a child', (ctx: WorkflowContext) => ctx.step.emitWorkflow('c', 'nobody knows it', 1)],
    ['a wait for a child', (ctx: WorkflowContext) => ctx.step.runWorkflow('c', 'nobody knows it', 1)],
    ['a wait for an event', (ctx: WorkflowContext) => ctx.step.waitForEvent('e', { event: 'e', correlationKey: '' })],
    ['a wait for several', (ctx: WorkflowContext) => ctx.step.waitForAny('a', {})],
  ])('of %s that fails harms nobody', async (_, call) => {
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      void call(ctx);
      await ctx.step.run('next', twoTurns);
      return 'done';
    });
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
  });

  it('of what is refused inside a step harms nobody', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) =>
      ctx.step.run('outer', async () => {
        void ctx.commit();
        void ctx.step.waitFor('inner', 1);
        await twoTurns();
        return (await rejection(ctx.step.waitFor('inner', 1))).name;
      }),
    );
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe(NestedStepError.name);
  });
});
