import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  currentRun,
  defineWorkflow,
  type FailureContext,
  type StepApi,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { gate, rejection, startEngine } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { perPass } from '../../support/passes.js';

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

  it('that never settles fails attempt by attempt when its time is over, and leaves its slot to others', async () => {
    const signals: AbortSignal[] = [];
    const hang = ({ signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return new Promise<never>(() => undefined);
    };
    const flow = failing(hang, { onFailureTimeout: 20 });
    const other = defineWorkflow('other', { registry: createRegistry(), handler: () => 'done' });
    const engine = await startEngine({ workflows: [flow, other], worker: { concurrency: 1 } });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await eventually(() => signals.length === 1);
    expect(await (await engine.client.run(other, undefined)).result()).toBe('done');
    const run = await engine.hookEnded(handle.id, 600_000);
    expect(run.failureHook).toMatchObject({
      status: 'failed',
      error: { name: 'RunTimeoutError', runId: handle.id, timeoutMs: 20, message: expect.stringContaining('failure hook') },
    });
    expect(perPass(signals.map(({ aborted }) => aborted))).toEqual(perPass([true, true, true]));
  });

  it('that hangs in a step, too: the step has a grace to stop', async () => {
    const seen: string[] = [];
    const flow = failing(
      async ({ step }) => {
        await step.run('stops', ({ signal }) => {
          seen.push('started');
          return new Promise((resolve) => signal.addEventListener('abort', () => setImmediate(resolve, 'stopped')));
        });
        await step.run('next', () => seen.push('next'));
      },
      { onFailureTimeout: 50 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    const run = await engine.hookEnded(handle.id, 600_000);
    // What has stopped in its grace has completed: the next attempt goes on behind it.
    expect(run.failureHook).toEqual({ status: 'succeeded' });
    expect(seen).toEqual(['started', 'next']);
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

describe('cancelRun({ failureHook: true })', () => {
  const CANCELED = { status: 'failed', error: { name: 'RunCanceledError', code: 'RUN_CANCELED', reason: 'enough' } };
  const options = { failureHook: true, reason: 'enough' };

  it('ends a hook in execution, whatever it comes to, and lets the run be retried', async () => {
    const started = gate();
    const told: unknown[] = [];
    let isFixed = false;
    const flow = defineWorkflow('order', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: () => {
        if (!isFixed) throw new Error('no');
        return 'done';
      },
      onFailure: async ({ signal }) => {
        started.open();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        told.push(signal.reason);
      },
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    expect(await engine.client.cancelRun(handle.id)).toEqual({ canceled: false, status: 'failed' });
    expect(await handle.cancel(options)).toEqual({ canceled: true, status: 'failed' });
    expect(await handle.cancel(options)).toEqual({ canceled: false, status: 'failed' });
    expect((await engine.hookEnded(handle.id)).failureHook).toMatchObject(CANCELED);
    expect(told).toMatchObject([{ name: 'RunCanceledError', runId: handle.id, reason: 'enough' }]);
    isFixed = true;
    await engine.client.retryRun(handle.id);
    expect(await handle.result()).toBe('done');
  });

  it.each([
    ['waits', ({ step }: FailureContext) => step.waitFor('long', '30d')],
    ['waits for an event', ({ step }: FailureContext) => step.waitForEvent('e', { event: 'e', correlationKey: 'k' })],
    ['is in its backoff', () => Promise.reject(new Error('later'))],
  ])('ends one at once that %s, and leaves nothing of it', async (_, hook) => {
    const flow = failing(hook as (ctx: FailureContext) => unknown);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await rejection(handle.result());
    const id = (await engine.redis.hget(engine.key(`run:${handle.id}`), 'hi')) as string;
    await eventually(async () => ['w', 'b'].includes((await engine.redis.hget(engine.key(`run:${id}`), 'st')) as string));
    expect(await handle.cancel(options)).toEqual({ canceled: true, status: 'failed' });
    expect((await handle.getState()).failureHook).toMatchObject(CANCELED);
    expect(await engine.redis.keys(engine.key(`*${id}*`))).toEqual([]);
    expect(await engine.redis.zscore(engine.key('due'), id)).toBeNull();
  });

  it('ends one whose worker is lost', async () => {
    const started = gate();
    const flow = failing(() => {
      started.open();
      return new Promise(() => undefined);
    });
    const engine = await startEngine({ workflows: [flow], worker: { reaperIntervalMs: 20 } });
    const handle = await engine.client.run(flow, { sku: 'A1' });
    await started.promise;
    await handle.cancel(options);
    await eventually(async () => (await engine.redis.zadd(engine.key('workers'), 'XX', 'CH', 1, engine.worker.id)) === 1);
    expect((await engine.hookEnded(handle.id)).failureHook).toMatchObject(CANCELED);
  });

  it('does nothing to runs without a hook to end', async () => {
    const flow = failing(() => undefined);
    const waits = defineWorkflow('waits', { registry: createRegistry(), handler: ({ step }) => step.waitFor('long', '1h') });
    const engine = await startEngine({ workflows: [flow, waits] });
    const failed = await engine.client.run(flow, { sku: 'A1' });
    await engine.hookEnded(failed.id);
    expect(await failed.cancel(options)).toEqual({ canceled: false, status: 'failed' });
    expect((await failed.getState()).failureHook).toEqual({ status: 'succeeded' });
    const waiting = await engine.client.run(waits, undefined);
    await engine.until(waiting.id, 'waiting');
    expect(await waiting.cancel(options)).toEqual({ canceled: false, status: 'waiting' });
    const error = await rejection(waiting.cancel({ failureHook: 'yes' as never }));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'failureHook' });
  });
});
