import { describe, expect, it } from '@jest/globals';
import { RetryAfterError, type StepContext, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ownPasses } from '../../support/passes.js';

const HOUR_MS = 3_600_000;

describe('retries of a step', () => {
  it('run the step again without failing the run', async () => {
    const seen: number[] = [];
    const fn = ({ attempt }: StepContext) => {
      seen.push(attempt);
      if (attempt < 3) throw new Error('boom');
      return attempt;
    };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('flaky', fn, { maxAttempts: 3, retries: { delay: 1 } }));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe(3);
    expect(seen).toEqual([1, 2, 3]);
    expect((await handle.getState()).attempt).toBe(1);
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'flaky', status: 'succeeded', attempt: 3 }]);
  });

  it('park the run, which holds no slot meanwhile', async () => {
    const fn = ({ attempt }: StepContext) => (attempt === 1 ? Promise.reject(new Error('busy')) : 'done');
    const retries = { maxAttempts: 2, delay: '1h' };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('flaky', fn, { retries }));
    const other = workflow('other', () => 'other');
    const engine = await startEngine({ workflows: [flow, other], worker: { concurrency: 1 } });
    const handle = await engine.client.run(flow, undefined);
    const parked = await engine.until(handle.id, 'waiting');
    expect(parked.attempt).toBe(1);
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(step).toMatchObject({
      name: 'flaky',
      status: 'waiting',
      attempt: 1,
      wakeAt: parked.availableAt,
      error: { message: 'busy' },
    });
    expect(await (await engine.client.run(other, undefined)).result()).toBe('other');
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('done');
    expect(ownPasses(await engine.client.getRunAttempts(handle.id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'parked'],
      [1, 'succeeded'],
    ]);
  });

  it('are counted anew in every attempt of the run; the attempt numbers go on', async () => {
    const seen: Array<[run: number, step: number]> = [];
    const handler = (ctx: WorkflowContext) => {
      const fn = ({ attempt }: StepContext) => {
        seen.push([ctx.run.attempt, attempt]);
        throw new Error('boom');
      };
      return ctx.step.run('flaky', fn, { maxAttempts: 2, retries: { delay: 0 } });
    };
    const flow = workflow('flow', handler, { maxAttempts: 2, retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(seen).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
      [2, 4],
    ]);
  });

  it('default to 1, so that the policy of the run applies', async () => {
    const seen: number[] = [];
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('flaky', ({ attempt }) => {
        seen.push(attempt);
        if (attempt < 3) throw new Error('boom');
        return ctx.run.attempt;
      });
    const flow = workflow('flow', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe(3);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('ask shouldRetry, with the error', async () => {
    const asked: string[] = [];
    const shouldRetry = ({ error, run }: { error: Error; run: { id: string } }) => {
      asked.push(`${run.id}: ${error.message}`);
      return false;
    };
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('flaky', () => Promise.reject(new Error('boom')), { retries: { maxAttempts: 5, shouldRetry } });
    const flow = workflow('flow', handler, { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined, { runId: 'r1' })).result());
    expect(asked).toEqual(['r1: boom']);
  });

  it('honour RetryAfterError', async () => {
    const fn = ({ attempt }: StepContext) => (attempt === 1 ? Promise.reject(new RetryAfterError('1h')) : 'done');
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('flaky', fn, { retries: { maxAttempts: 2, delay: 0 } }));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const { availableAt, startedAt = 0 } = await engine.until(handle.id, 'waiting');
    expect(availableAt - startedAt).toBeGreaterThanOrEqual(HOUR_MS);
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toBe('done');
  });

  it('happen within the pass while a sibling keeps it alive, and see the progress of the attempt before', async () => {
    const sibling = gate();
    const seen: unknown[] = [];
    const fn = async (step: StepContext) => {
      seen.push([step.attempt, step.lastProgress]);
      await step.progress({ done: step.attempt });
      if (step.attempt < 3) throw new Error('boom');
      sibling.open();
    };
    const handler = async (ctx: WorkflowContext) => {
      await Promise.all([
        ctx.step.run('sibling', () => sibling.promise),
        ctx.step.run('flaky', fn, { retries: { maxAttempts: 3, delay: 1 } }),
      ]);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(seen).toEqual([
      [1, undefined],
      [2, { done: 1 }],
      [3, { done: 2 }],
    ]);
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toHaveLength(1);
  });

  it('wait for siblings in flight before the run parks; their results are stored', async () => {
    const calls: string[] = [];
    const release = gate();
    const handler = async (ctx: WorkflowContext) => {
      const flaky = ctx.step.run('flaky', ({ attempt }) => (attempt === 1 ? Promise.reject(new Error('x')) : 'ok'), {
        retries: { maxAttempts: 2, delay: '1h' },
      });
      const slow = ctx.step.run('slow', async () => {
        calls.push('slow');
        await release.promise;
        return 'slow';
      });
      return Promise.all([flaky, slow]);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await eventually(async () => (await engine.client.getRunSteps(handle.id)).some(({ status }) => status === 'waiting'));
    expect((await handle.getState()).status).toBe('running');
    release.open();
    await engine.until(handle.id, 'waiting');
    await engine.advance(HOUR_MS);
    expect(await handle.result()).toEqual(['ok', 'slow']);
    expect(calls).toEqual(['slow']);
  });
});
