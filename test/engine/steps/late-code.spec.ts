import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';

/** Lets everything that is ready run, so that a call that should not start has had the chance to. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('code that outlives its pass', () => {
  it('runs no step after the run has succeeded', async () => {
    const calls: string[] = [];
    const late = gate();
    const lateCalled = gate();
    const handler = async (ctx: WorkflowContext) => {
      void late.promise.then(() => {
        void ctx.step.run('late', () => calls.push('late'));
        void ctx.step.waitFor('nap', '1h');
        lateCalled.open();
      });
      return 'done';
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('done');
    const before = await handle.getState();
    late.open();
    await lateCalled.promise;
    await turns();
    expect(calls).toEqual([]);
    expect(await engine.client.getRunSteps(handle.id)).toEqual([]);
    expect(await handle.getState()).toEqual(before);
  });

  it('runs no step after the attempt has failed, and writes nothing of the steps in flight after the run has', async () => {
    const calls: string[] = [];
    const late = gate();
    const lateCalled = gate();
    const handler = async (ctx: WorkflowContext) => {
      void late.promise.then(async () => {
        void ctx.step.run('late', () => calls.push('late'));
        lateCalled.open();
      });
      throw new Error('boom');
    };
    const flow = workflow('flow', handler, { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    late.open();
    await lateCalled.promise;
    await turns();
    expect(calls).toEqual([]);
    expect(await engine.client.getRunSteps(handle.id)).toEqual([]);
  });

  it('runs no step of a branch while the failed attempt waits for its siblings', async () => {
    const calls: string[] = [];
    const sibling = gate();
    const entered = gate();
    const handler = async (ctx: WorkflowContext) => {
      const branch = async () => {
        await ctx.step.run('sibling', () => {
          entered.open();
          return sibling.promise;
        });
        await ctx.step.run('after sibling', () => calls.push(`after sibling ${ctx.run.attempt}`));
      };
      const failing = async () => {
        await entered.promise;
        if (ctx.run.attempt === 1) throw new Error('boom');
      };
      await Promise.all([branch(), failing()]);
    };
    const flow = workflow('flow', handler, { retries: { delay: '1h' } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await turns();
    sibling.open();
    await engine.until(handle.id, 'waiting');
    await turns();
    expect(calls).toEqual([]);
    const steps = await engine.client.getRunSteps(handle.id);
    expect(steps.map(({ name, status }) => [name, status])).toEqual([['sibling', 'succeeded']]);
    await engine.advance(3_600_000);
    await handle.result();
    expect(calls).toEqual(['after sibling 2']);
  });

  it('runs no step after the run has parked', async () => {
    const calls: number[] = [];
    const late = gate();
    let passes = 0;
    const handler = async (ctx: WorkflowContext) => {
      const pass = ++passes;
      void late.promise.then(() => ctx.step.run('late', () => calls.push(pass)));
      await ctx.step.waitFor('nap', '1h');
      await ctx.step.run('after', () => 1);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    late.open();
    await turns();
    expect(calls).toEqual([]);
    await engine.advance(3_600_000);
    await handle.result();
    // The pass that replays may run it, the one that parked may not.
    expect(calls.filter((pass) => pass === 1)).toEqual([]);
  });

  it('cannot store a step in flight when the run succeeds without it; its signal is aborted', async () => {
    const late = gate<string>();
    const aborted = gate();
    const handler = async (ctx: WorkflowContext) => {
      void ctx.step.run('forgotten', ({ signal }) => {
        signal.addEventListener('abort', () => aborted.open());
        return late.promise;
      });
      return ctx.step.run('quick', async () => 'quick');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('quick');
    await aborted.promise;
    late.open('late');
    await turns();
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['quick']);
  });

  it('sees no park: neither catch nor finally runs', async () => {
    const seen: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      try {
        await ctx.step.waitFor('nap', '1h');
        seen.push('slept');
      } catch {
        seen.push('catch');
      } finally {
        seen.push('finally');
      }
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await turns();
    expect(seen).toEqual([]);
    await engine.advance(3_600_000);
    await handle.result();
    expect(seen).toEqual(['slept', 'finally']);
  });
});
