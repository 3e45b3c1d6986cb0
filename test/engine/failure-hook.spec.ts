import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  currentRun,
  defineWorkflow,
  type FailureContext,
  type StepApi,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../lib/engine/index.js';
import { gate, rejection, startEngine } from '../support/engine.js';
import { eventually } from '../support/eventually.js';
import { perPass } from '../support/passes.js';

class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
  constructor(readonly sku: string) {
    super(`no ${sku} left`);
  }
}

/** A workflow that fails for good, with a hook. */
function failing(onFailure: (ctx: FailureContext<{ sku: string }>) => unknown, options: WorkflowOptions<{ sku: string }> = {}) {
  return defineWorkflow('order', {
    maxAttempts: 1,
    ...options,
    registry: createRegistry(),
    handler: async (ctx: WorkflowContext<{ sku: string }>) => {
      await ctx.step.run('reserve', () => {
        throw new OutOfStock(ctx.input.sku);
      });
    },
    onFailure,
  });
}

describe('onFailure', () => {
  it('gets run, input, the rebuilt error and steps of its own, once', async () => {
    const calls: FailureContext[] = [];
    const flow = failing(async (ctx) => {
      calls.push(ctx);
      await ctx.step.run('reserve', ({ idempotencyKey }) => `told ${idempotencyKey}`);
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await rejection(handle.result());
    const run = await engine.hookEnded(handle.id);
    expect(run.failureHook).toEqual({ status: 'succeeded' });
    expect(perPass(calls.map(({ run }) => run.id))).toHaveLength(1);
    expect(calls[0]).toMatchObject({ run: { id: handle.id, status: 'failed', attempt: 1 }, input: { sku: 'A1' } });
    expect(calls[0].error).toMatchObject({ name: 'OutOfStock', message: 'no A1 left', sku: 'A1' });
    expect((await engine.client.listRuns()).items).toHaveLength(1);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['reserve']);
  });

  it('acts in the name of the run that has failed, with effects of its own', async () => {
    const seen: Array<{ run?: string; key: string }> = [];
    const flow = failing(async ({ step }) => {
      await step.run('reserve', ({ idempotencyKey }) => void seen.push({ run: currentRun()?.run.id, key: idempotencyKey }));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await rejection(handle.result());
    await engine.hookEnded(handle.id);
    expect(seen).toEqual([{ run: handle.id, key: expect.stringMatching(/^[0-9a-f]+:reserve$/) }]);
    expect(seen[0].key).not.toBe(`${handle.id}:reserve`);
  });

  it('starts children and emits events of its own in steps that are named as those of the run', async () => {
    const child = defineWorkflow('tell', { registry: createRegistry(), handler: ({ input }: WorkflowContext<string>) => input });
    const heard = defineWorkflow('hear', {
      registry: createRegistry(),
      event: [{ name: 'told' }],
      handler: ({ input }: WorkflowContext<string>) => input,
    });
    const tell = async (step: StepApi, who: string) => {
      await step.runWorkflow('child', child, `child of ${who}`);
      await step.emitWorkflow('started', child, `started by ${who}`);
      await step.waitForAny('any', { branch: { workflow: child, input: `branch of ${who}` } });
      await step.emitEvent('event', 'told', `event of ${who}`);
    };
    const flow = defineWorkflow('order', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: async ({ step }) => {
        await tell(step, 'run');
        throw new Error('in the end');
      },
      onFailure: ({ step }) => tell(step, 'hook'),
    });
    const engine = await startEngine({ workflows: [flow, child, heard] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    await engine.hookEnded(handle.id);
    const inputsOf = async (workflow: string) =>
      (await engine.client.listRuns({ workflow })).items.map(({ input }) => input).sort();
    expect(await inputsOf('tell')).toEqual([
      'branch of hook',
      'branch of run',
      'child of hook',
      'child of run',
      'started by hook',
      'started by run',
    ]);
    expect(await inputsOf('hear')).toEqual(['event of hook', 'event of run']);
  });

  it('is retried with its steps kept, parks, and starts children', async () => {
    let attempts = 0;
    let sends = 0;
    const child = defineWorkflow('refund', { registry: createRegistry(), handler: () => 'refunded' });
    const flow = failing(async ({ step }) => {
      attempts++;
      await step.run('send', () => ++sends);
      await step.waitFor('a day', '1d');
      await step.runWorkflow('refund', child, undefined);
      if (attempts < 4) throw new Error('not yet');
    });
    const engine = await startEngine({ workflows: [flow, child] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await rejection(handle.result());
    const run = await engine.hookEnded(handle.id, 86_400_000);
    expect(run.failureHook).toEqual({ status: 'succeeded' });
    expect(sends).toBe(1);
    const [refund] = (await engine.client.listRuns({ workflow: 'refund' })).items;
    expect(refund).toMatchObject({ parentRunId: handle.id, status: 'succeeded' });
  });

  it('fails for good after three attempts, and the record says why', async () => {
    let attempts = 0;
    const flow = failing(() => {
      attempts++;
      throw new TypeError('hook is broken');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await rejection(handle.result());
    const run = await engine.hookEnded(handle.id, 600_000);
    expect(run.failureHook).toMatchObject({ status: 'failed', error: { name: 'TypeError', message: 'hook is broken' } });
    expect(run).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'OutOfStock' } });
    expect(attempts).toBe(3);
    expect(engine.logs.matching('error', /The failure hook of the run failed/)[0].fields).toMatchObject({ runId: handle.id });
  });

  it('runs after a timeout, too', async () => {
    let seen: string | undefined;
    const flow = defineWorkflow('slow', {
      registry: createRegistry(),
      timeout: '1m',
      handler: async (ctx) => ctx.step.waitFor('long', '1h'),
      onFailure: ({ error }) => {
        seen = error.name;
      },
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(60_000);
    await engine.hookEnded(handle.id);
    expect(seen).toBe('RunTimeoutError');
  });

  it('does not run on success, on a retry, or on cancellation', async () => {
    const calls: string[] = [];
    const flow = defineWorkflow('flow', {
      registry: createRegistry(),
      retries: { maxAttempts: 2, delay: 0 },
      handler: async (ctx: WorkflowContext<string>) => {
        if (ctx.input === 'canceled') await ctx.step.waitFor('long', '1h');
        if (ctx.run.attempt === 1) throw new Error('once');
      },
      onFailure: ({ run }) => calls.push(run.id),
    });
    const engine = await startEngine({ workflows: [flow] });
    const retried = await engine.client.run(flow, 'retried');
    await retried.result();
    const canceled = await engine.client.run(flow, 'canceled');
    await engine.until(canceled.id, 'waiting');
    await canceled.cancel();
    expect(await canceled.getState()).not.toHaveProperty('failureHook');
    expect(await retried.getState()).not.toHaveProperty('failureHook');
    expect(calls).toEqual([]);
  });

  it('says so when the workflow has none any more', async () => {
    const tried = gate();
    const flow = failing(() => {
      tried.open();
      throw new Error('later');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await tried.promise;
    await engine.worker.stop();
    const without = defineWorkflow('order', { registry: createRegistry(), handler: () => undefined });
    await engine.startWorker({ workflows: [without] });
    const run = await engine.hookEnded(handle.id, 600_000);
    expect(run.failureHook?.error?.message).toContain('Workflow "order" has no onFailure any more');
  });

  it('is queued again when its worker is lost', async () => {
    const started = gate();
    let executions = 0;
    const flow = failing(async ({ step }) => {
      await step.run('once', () => ++executions);
      started.open();
      await step.run('hangs', () => (executions === 1 && first ? new Promise(() => undefined) : undefined));
    });
    let first = true;
    const engine = await startEngine({ workflows: [flow], worker: { reaperIntervalMs: 20 } });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await started.promise;
    first = false;
    await eventually(async () => {
      const attempts = await engine.redis.zadd(engine.key('workers'), 'XX', 'CH', 1, engine.worker.id);
      return Number(attempts) === 1;
    });
    expect((await engine.hookEnded(handle.id)).failureHook).toEqual({ status: 'succeeded' });
    expect(executions).toBe(1);
  });
});
