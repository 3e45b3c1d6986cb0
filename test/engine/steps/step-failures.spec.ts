import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { perPass } from '../../support/passes.js';

const retryAtOnce = { retries: { delay: 0 } };

/** A step that fails with the number of its execution, and counts them. */
function flakyStep(calls: number[]) {
  return () => {
    calls.push(calls.length + 1);
    throw new Error(`execution ${calls.length}`);
  };
}

const messageOf = (error: Error) => error.message;

describe('a failed step that the handler catches', () => {
  it('is memoised when the handler goes on to another step', async () => {
    const calls: number[] = [];
    const seen: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      seen.push(await ctx.step.run('flaky', flakyStep(calls)).catch(messageOf));
      await ctx.step.run('next', () => 1);
      if (ctx.run.attempt < 3) throw new Error('later');
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(perPass(seen)).toEqual(perPass(['execution 1', 'execution 1', 'execution 1']));
    expect(calls).toEqual([1]);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name, status }) => [name, status])).toEqual([
      ['flaky', 'failed'],
      ['next', 'succeeded'],
    ]);
  });

  it('is memoised when the handler goes on to a sleep', async () => {
    const calls: number[] = [];
    const seen: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      seen.push(await ctx.step.run('flaky', flakyStep(calls)).catch(messageOf));
      await ctx.step.waitFor('nap', '1h');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await handle.result();
    expect(perPass(seen)).toEqual(perPass(['execution 1', 'execution 1']));
    expect(calls).toEqual([1]);
  });

  it('is memoised when the run parks for a sleep that began before', async () => {
    const calls: number[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const [, outcome] = await Promise.allSettled([ctx.step.waitFor('nap', '1h'), ctx.step.run('flaky', flakyStep(calls))]);
      return outcome.status === 'rejected' && messageOf(outcome.reason);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    expect((await engine.client.getRunSteps(handle.id)).find(({ name }) => name === 'flaky')).toMatchObject({ status: 'failed' });
    await engine.advance(3_600_000);
    expect(await handle.result()).toBe('execution 1');
    expect(calls).toEqual([1]);
  });

  it('is memoised when the handler succeeds', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('flaky', flakyStep([])).catch(messageOf));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('execution 1');
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ status: 'failed', error: { message: 'execution 1' } }]);
  });

  it('replays identically after a hand-back', async () => {
    const calls: number[] = [];
    const seen: string[] = [];
    const entered = gate();
    const handler = async (ctx: WorkflowContext) => {
      seen.push(await ctx.step.run('flaky', flakyStep(calls)).catch(messageOf));
      await ctx.step.run('slow', () => {
        entered.open();
        return seen.length === 1 ? new Promise(() => undefined) : undefined;
      });
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker();
    await handle.result();
    expect(perPass(seen)).toEqual(perPass(['execution 1', 'execution 1']));
  });
});

describe('a failed step that the handler does not catch', () => {
  it('is run again by the retry', async () => {
    const calls: number[] = [];
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('flaky', () => {
        calls.push(ctx.run.attempt);
        if (calls.length < 3) throw new Error('boom');
        return 'done';
      });
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
    expect(calls).toEqual([1, 2, 3]);
  });

  it.each<[string, (error: unknown) => unknown]>([
    ['throws another error', () => new Error('other')],
    ['wraps it', (error) => new Error('wrapped', { cause: error })],
    ['throws it again', (error) => error],
    ['puts it into an AggregateError', (error) => new AggregateError([error])],
  ])('is run again also where the handler catches it and %s', async (_how, wrap) => {
    const calls: number[] = [];
    const handler = async (ctx: WorkflowContext) => {
      try {
        return await ctx.step.run('flaky', () => {
          if (calls.push(ctx.run.attempt) === 1) throw new Error('boom');
          return 'done';
        });
      } catch (error) {
        throw wrap(error);
      }
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
    expect(calls).toEqual([1, 2]);
  });

  it('is run again where the handler cleans up durably before it throws it on', async () => {
    const calls: number[] = [];
    const cleanUps: number[] = [];
    const handler = async (ctx: WorkflowContext) => {
      try {
        return await ctx.step.run('flaky', () => {
          if (calls.push(ctx.run.attempt) === 1) throw new Error('boom');
          return 'done';
        });
      } catch (error) {
        await ctx.step.run('clean up', () => cleanUps.push(1));
        throw error;
      }
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
    expect([calls, cleanUps]).toEqual([[1, 2], [1]]);
  });

  it.each(['at once', 'later'])(
    'is run again where it failed %s beside a sibling and the handler throws another error',
    async (when) => {
      const calls: number[] = [];
      const flaky = (attempt: number) => {
        if (calls.push(attempt) === 1) throw new Error('boom');
      };
      const handler = async (ctx: WorkflowContext) => {
        const { attempt } = ctx.run;
        try {
          await Promise.all([
            ctx.step.run('flaky', when === 'later' ? async () => flaky(attempt) : () => flaky(attempt)),
            ctx.step.run('sibling', () => 1),
          ]);
        } catch {
          throw new Error('other');
        }
      };
      const flow = workflow('flow', handler, retryAtOnce);
      const engine = await startEngine({ workflows: [flow] });
      await (await engine.client.run(flow, undefined)).result();
      expect(calls).toEqual([1, 2]);
    },
  );

  it('lets siblings in flight settle and be stored before the retry', async () => {
    const calls: string[] = [];
    const release = gate();
    const handler = async (ctx: WorkflowContext) =>
      Promise.all([
        ctx.step.run('flaky', async () => {
          calls.push('flaky');
          if (ctx.run.attempt === 1) throw new Error('boom');
          return 'flaky';
        }),
        ctx.step.run('slow', async () => {
          calls.push('slow');
          await release.promise;
          return 'slow';
        }),
      ]);
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await eventually(() => calls.length === 2);
    expect((await handle.getState()).status).toBe('running');
    release.open();
    expect(await handle.result()).toEqual(['flaky', 'slow']);
    expect(calls).toEqual(['flaky', 'slow', 'flaky']);
  });

  it('fails the run with the first error where several siblings fail', async () => {
    const handler = (ctx: WorkflowContext) =>
      Promise.all([1, 2, 3].map((i) => ctx.step.run(`step ${i}`, () => Promise.reject(new Error(`error ${i}`)))));
    const flow = workflow('flow', handler, { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect((await engine.failure(handle)).message).toBe('error 1');
    const steps = await engine.client.getRunSteps(handle.id);
    expect(steps.map(({ status, error }) => [status, error?.message]).sort()).toEqual([
      ['failed', 'error 1'],
      ['failed', 'error 2'],
      ['failed', 'error 3'],
    ]);
  });

  it('does not end the process where nobody awaits it', async () => {
    const handler = async (ctx: WorkflowContext) => {
      void ctx.step.run('flaky', () => Promise.reject(new Error('boom')));
      return ctx.step.run('fine', () => 'fine');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('fine');
  });
});
