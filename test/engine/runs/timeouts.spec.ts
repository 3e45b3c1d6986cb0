import { describe, expect, it } from '@jest/globals';
import { RunTimeoutError, type StepContext, StepTimeoutError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, once, startEngine, workflow } from '../../support/engine.js';

const HOUR_MS = 3_600_000;
const never = new Promise<never>(() => undefined);

describe('timeout of a workflow', () => {
  it('fails a run whose handler ignores its signal, and frees its slot', async () => {
    let reason: unknown;
    const handler = (ctx: WorkflowContext) => {
      ctx.signal.addEventListener('abort', () => {
        reason = ctx.signal.reason;
      });
      return never;
    };
    const hung = workflow('hung', handler, { timeout: 50 });
    const other = workflow('other', () => 'other');
    const engine = await startEngine({ workflows: [hung, other], worker: { concurrency: 1 } });
    const handle = await engine.client.run(hung, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(RunTimeoutError);
    expect(error).toMatchObject({ runId: handle.id, workflow: 'hung', timeoutMs: 50 });
    expect(reason).toBeInstanceOf(RunTimeoutError);
    const { startedAt = 0, finishedAt = 0, attempt } = await handle.getState();
    expect(finishedAt - startedAt).toBeGreaterThanOrEqual(50);
    expect(attempt).toBe(1);
    expect(await (await engine.client.run(other, undefined)).result()).toBe('other');
  });

  it('aborts the step in flight, too', async () => {
    let reason: unknown;
    const fn = ({ signal }: StepContext) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return never;
    };
    const hung = workflow('hung', (ctx: WorkflowContext) => ctx.step.run('one', fn), { timeout: 50 });
    const engine = await startEngine({ workflows: [hung] });
    expect(await engine.failure(await engine.client.run(hung, undefined))).toBeInstanceOf(RunTimeoutError);
    expect(reason).toBeInstanceOf(RunTimeoutError);
  });

  it('ends a run that sleeps, at the deadline', async () => {
    const sleepy = workflow('sleepy', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '30d'), { timeout: '1h' });
    const engine = await startEngine({ workflows: [sleepy] });
    const handle = await engine.client.run(sleepy, undefined);
    const { availableAt, startedAt = 0 } = await engine.until(handle.id, 'waiting');
    expect(availableAt - startedAt).toBe(HOUR_MS);
    await engine.advance(HOUR_MS);
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
  });

  it('ends a run that waits for its retry', async () => {
    const flaky = workflow('flaky', () => Promise.reject(new Error('boom')), { timeout: '1h', retries: { delay: '1d' } });
    const engine = await startEngine({ workflows: [flaky] });
    const handle = await engine.client.run(flaky, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(HOUR_MS);
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
    expect(await engine.client.getRunAttempts(handle.id)).toMatchObject([
      { attempt: 1, outcome: 'failed', error: { message: 'boom' } },
      { attempt: 2, outcome: 'failed', error: { name: 'RunTimeoutError' } },
    ]);
  });

  it('ends a run that waits for the retry of a step', async () => {
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('flaky', () => Promise.reject(new Error('boom')), { retries: { maxAttempts: 2, delay: '1d' } });
    const flaky = workflow('flaky', handler, { timeout: '1h' });
    const engine = await startEngine({ workflows: [flaky] });
    const handle = await engine.client.run(flaky, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(HOUR_MS);
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
  });

  it('counts from the first start, waits and retries included', async () => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('first', '40m');
      if (ctx.run.attempt === 1) throw new Error('boom');
    };
    const flow = workflow('flow', handler, { timeout: '1h', retries: { delay: '40m' } });
    const engine = await startEngine({ workflows: [flow] });
    // The time in the queue does not count.
    const handle = await engine.client.run(flow, undefined, { runAt: '3h' });
    await engine.advance(3 * HOUR_MS);
    const { startedAt = 0 } = await engine.until(handle.id, 'waiting');
    await engine.advance(40 * 60_000);
    const { availableAt } = await once(async () => {
      const run = await handle.getState();
      return run.attempt === 2 && run;
    });
    expect(availableAt - startedAt).toBe(HOUR_MS);
    await engine.advance(20 * 60_000);
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
  });

  it('leaves a run alone that ends in time', async () => {
    const quick = workflow('quick', () => 'done', { timeout: '1h' });
    const engine = await startEngine({ workflows: [quick] });
    expect(await (await engine.client.run(quick, undefined)).result()).toBe('done');
  });

  it('may be longer than a timer of Node', async () => {
    const slow = workflow('slow', (ctx: WorkflowContext) => ctx.step.waitFor('nap', 5).then(() => ctx.signal.aborted), {
      timeout: '90d',
    });
    const engine = await startEngine({ workflows: [slow] });
    expect(await (await engine.client.run(slow, undefined)).result()).toBe(false);
  });
});

describe('timeout of a step', () => {
  it('fails a step that ignores its signal', async () => {
    let reason: unknown;
    const fn = ({ signal }: StepContext) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return never;
    };
    const hung = workflow('hung', (ctx: WorkflowContext) => ctx.step.run('one', fn, { timeout: 20 }), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [hung] });
    const handle = await engine.client.run(hung, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(StepTimeoutError);
    expect(error).toMatchObject({ runId: handle.id, step: 'one', timeoutMs: 20 });
    expect(reason).toBeInstanceOf(StepTimeoutError);
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ status: 'failed', error: { name: 'StepTimeoutError' } }]);
  });

  it('is a failure like others: it is retried', async () => {
    const fn = ({ attempt }: StepContext) => (attempt === 1 ? never : 'done');
    const options = { timeout: 20, retries: { maxAttempts: 2, delay: 0 } };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('one', fn, options));
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
  });

  it('keeps the failure, though the function returns in the end', async () => {
    const late = gate<string>();
    const handler = async (ctx: WorkflowContext) => {
      const first = await ctx.step.run('one', () => late.promise, { timeout: 20 }).catch((error: Error) => error.name);
      late.open('too late');
      await ctx.step.run('two', () => late.promise);
      return first;
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('StepTimeoutError');
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([
      { name: 'one', status: 'failed' },
      { name: 'two', status: 'succeeded', output: 'too late' },
    ]);
  });

  it('leaves a step alone that ends in time, or at once', async () => {
    const handler = async (ctx: WorkflowContext) => [
      await ctx.step.run('one', () => 1, { timeout: '1h' }),
      await ctx.step.run('two', async () => 2, { timeout: '90d' }),
    ];
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toEqual([1, 2]);
  });
});
