import { describe, expect, it } from '@jest/globals';
import {
  ChildWorkflowError,
  InvalidOptionError,
  RunCanceledError,
  RunNotFoundError,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ownPasses } from '../../support/passes.js';

const noop = workflow('noop', () => 'done');
const sleeper = workflow('sleeper', async (ctx: WorkflowContext) => {
  await ctx.step.waitFor('nap', '1h');
});

/** Resolves with the reason once the signal is aborted. */
function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}

describe('cancelRun()', () => {
  it('ends a waiting run at once, and result() rejects with the reason, before and after', async () => {
    const engine = await startEngine({ workflows: [sleeper] });
    const handle = await engine.client.run(sleeper, undefined);
    const early = rejection(handle.result());
    await engine.until(handle.id, 'waiting');
    expect(await handle.cancel({ reason: 'not needed' })).toEqual({ canceled: true, status: 'canceled' });
    for (const error of [await early, await rejection(handle.result())]) {
      expect(error).toBeInstanceOf(RunCanceledError);
      expect(error).toMatchObject({ runId: handle.id, reason: 'not needed' });
    }
    expect(await handle.getState()).toMatchObject({ status: 'canceled', cancelReason: 'not needed' });
    await engine.advance(3_600_000);
    const other = await engine.client.run(sleeper, undefined);
    await engine.until(other.id, 'waiting');
    expect(await engine.client.getRunAttempts(handle.id)).toHaveLength(1);
  });

  it('says so when there is nothing to cancel', async () => {
    const engine = await startEngine({ workflows: [noop, sleeper] });
    const done = await engine.client.run(noop, undefined);
    await done.result();
    expect(await engine.client.cancelRun(done.id)).toEqual({ canceled: false, status: 'succeeded' });
    const scheduled = await engine.client.run(noop, undefined, { runAt: '1h' });
    expect(await scheduled.cancel()).toEqual({ canceled: true, status: 'canceled' });
    expect(await scheduled.cancel()).toEqual({ canceled: false, status: 'canceled' });
    expect(await rejection(engine.client.cancelRun('nobody'))).toBeInstanceOf(RunNotFoundError);
    expect(await rejection(scheduled.result())).not.toHaveProperty('reason', expect.anything());
  });

  it.each([
    ['reason', { reason: 'x'.repeat(1_025) }],
    ['reason', { reason: 5 }],
    ['compensate', { compensate: 'no' }],
    ['reasn', { reasn: 'x' }],
  ])('refuses %s in %j', async (option, options) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.cancelRun('r1', options as object));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });
});

describe('the handler of a canceled run', () => {
  it('on another worker is aborted within 100 ms, its finally works, no later step starts, and the step in flight is stored', async () => {
    const started = gate();
    const held = gate();
    const seen: unknown[] = [];
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('before', () => 1);
      try {
        await ctx.step.run('in flight', async ({ signal }) => {
          started.open();
          seen.push(await aborted(signal), ctx.signal.reason, performance.now());
          await held.promise;
          return 'stored';
        });
        await ctx.step.run('later', () => seen.push('later ran'));
      } catch (error) {
        seen.push(error);
        await ctx.step.run('in the catch', () => seen.push('catch ran')).catch(() => undefined);
        throw error;
      } finally {
        seen.push('finally');
      }
    });
    const engine = await startEngine({ workflows: [flow], worker: { blockTimeoutMs: 60_000 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    const other = engine.anotherClient();
    await other.connect();
    const asked = performance.now();
    expect(await other.cancelRun(handle.id, { reason: 'stop' })).toEqual({ canceled: true, status: 'running' });
    await eventually(() => seen.length === 3);
    expect((seen[2] as number) - asked).toBeLessThan(100);
    expect(await other.cancelRun(handle.id)).toEqual({ canceled: false, status: 'running' });
    held.open();
    expect(await rejection(handle.result())).toMatchObject({ reason: 'stop' });
    const error = expect.any(RunCanceledError);
    expect(seen).toEqual([error, error, expect.any(Number), error, 'finally']);
    const steps = await engine.client.getRunSteps(handle.id);
    expect(steps.map(({ name, status }) => [name, status])).toEqual([
      ['before', 'succeeded'],
      ['in flight', 'succeeded'],
    ]);
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toMatchObject([{ attempt: 1, outcome: 'canceled' }]);
  });

  it('that goes on all the same loses its run after the grace', async () => {
    const started = gate();
    const held = gate();
    const flow = workflow('stubborn', async (ctx: WorkflowContext) => {
      await ctx.step.run('stubborn', async () => {
        started.open();
        await held.promise;
      });
    });
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    held.open();
    expect(await handle.getState()).toMatchObject({ status: 'canceled' });
  });

  it('may return a value: the run is canceled all the same', async () => {
    const started = gate();
    const flow = workflow('polite', async (ctx: WorkflowContext) => {
      started.open();
      await aborted(ctx.signal);
      return 'done';
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
  });

  it('is told at its waits: a sleep, a child, an event, the retry of a step', async () => {
    const started = gate();
    const held = gate();
    const names: string[] = [];
    const flow = workflow('waits', async (ctx: WorkflowContext) => {
      const { step } = ctx;
      const note = (what: string) => (error: Error) => names.push(`${what}: ${error.name}`);
      await Promise.all([
        step.waitFor('sleep', '1h').catch(note('sleep')),
        step.runWorkflow('child', sleeper, undefined).catch(note('child')),
        step.waitForEvent('event', { event: 'e', correlationKey: 'k' }).catch(note('event')),
        step.waitForAny('any', { a: { for: '1h' } }).catch(note('any')),
        step
          .run('fails', () => Promise.reject(new Error('no')), { retries: { maxAttempts: 2, delay: '1h' } })
          .catch(note('retry')),
        step.run('holds', async ({ signal }) => {
          started.open();
          await aborted(signal);
          await held.promise;
        }),
      ]);
    });
    const engine = await startEngine({ workflows: [flow, sleeper], worker: { concurrency: 1 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await eventually(async () => {
      const steps = await engine.client.getRunSteps(handle.id);
      return steps.filter(({ status }) => status === 'waiting').length === 5;
    });
    await handle.cancel();
    await eventually(() => names.length === 5);
    expect(names.sort()).toEqual(['any', 'child', 'event', 'retry', 'sleep'].map((what) => `${what}: RunCanceledError`));
    held.open();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    const [child] = (await engine.client.listRuns({ workflow: 'sleeper' })).items;
    expect(child).toMatchObject({ status: 'canceled' });
    expect(await engine.redis.keys(engine.key('listen*'))).toEqual([]);
  });

  it('does not retry a step that the cancellation made fail', async () => {
    const started = gate();
    let executions = 0;
    const flow = workflow('retrying', async (ctx: WorkflowContext) => {
      await ctx.step.run(
        'fetch',
        async ({ signal }) => {
          executions++;
          started.open();
          throw await aborted(signal);
        },
        { retries: { maxAttempts: 5, delay: 0 } },
      );
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    expect(executions).toBe(1);
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'fetch', status: 'failed' }]);
  });

  it.each([
    ['when it is not woken', { blockTimeoutMs: 50 }],
    ['with its heartbeat', { blockTimeoutMs: 60_000, leaseMs: 300 }],
  ])('learns of it without the hint, %s', async (_, worker) => {
    const started = gate();
    const flow = workflow('unhinted', async (ctx: WorkflowContext) => {
      started.open();
      await aborted(ctx.signal);
    });
    const engine = await startEngine({ workflows: [flow], worker });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await engine.redis.hset(engine.key(`run:${handle.id}`), 'cr', await engine.now());
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
  });
});

describe('a handler that has not learned of it yet', () => {
  it.each([
    ['starts no child', (ctx: WorkflowContext) => ctx.step.emitWorkflow('child', sleeper, undefined)],
    ['waits for no child', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', sleeper, undefined)],
    [
      'starts no child among several waits',
      (ctx: WorkflowContext) => ctx.step.waitForAny('any', { a: { workflow: sleeper, input: undefined } }),
    ],
    ['is told instead of being parked', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '1h')],
  ])('%s', async (_, next) => {
    const started = gate();
    const held = gate();
    const seen: unknown[] = [];
    const flow = workflow('late', async (ctx: WorkflowContext) => {
      started.open();
      await held.promise;
      await next(ctx).catch((error: Error) => {
        seen.push(error, ctx.signal.reason);
        throw error;
      });
    });
    const engine = await startEngine({ workflows: [flow, sleeper], worker: { blockTimeoutMs: 60_000 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await engine.redis.hset(engine.key(`run:${handle.id}`), 'cr', await engine.now());
    await engine.redis.hset(engine.key(`data:${handle.id}`), 'cx', 'why');
    held.open();
    expect(await rejection(handle.result())).toMatchObject({ reason: 'why' });
    expect(seen).toEqual([expect.any(RunCanceledError), expect.any(RunCanceledError)]);
    expect((await engine.client.listRuns({ workflow: 'sleeper' })).items).toEqual([]);
  });
});

describe('a cancellation that races the end of the run', () => {
  it('agrees with status, result and attempts, 1,000 times', async () => {
    const flow = workflow('racer', async (ctx: WorkflowContext<number>) => {
      if (ctx.input % 2 === 0) await ctx.step.run('a', () => 1);
      return 'done';
    });
    const engine = await startEngine({ workflows: [flow], worker: { concurrency: 50 } });
    let canceled = 0;
    for (let batch = 0; batch < 20; batch++) {
      const handles = await Promise.all(Array.from({ length: 50 }, (_, i) => engine.client.run(flow, i)));
      const races = handles.map(async (handle, i) => {
        for (let turn = 0; turn < (batch + i) % 8; turn++) await new Promise(setImmediate);
        const answer = await handle.cancel();
        const outcome = await handle.result().catch((error: Error) => error);
        const expected = answer.canceled ? 'canceled' : 'succeeded';
        expect(outcome).toEqual(answer.canceled ? expect.any(RunCanceledError) : 'done');
        expect((await handle.getState()).status).toBe(expected);
        const attempts = ownPasses(await engine.client.getRunAttempts(handle.id));
        if (attempts.length > 0 || !answer.canceled) expect(attempts.at(-1)?.outcome).toBe(expected);
        if (answer.canceled) canceled++;
        else expect(answer.status).toBe('succeeded');
      });
      await Promise.all(races);
    }
    expect(canceled).toBeGreaterThan(0);
    expect(canceled).toBeLessThan(1_000);
  }, 60_000);
});

describe('descendants of a canceled run', () => {
  it('are canceled while they are still being spawned, three levels deep', async () => {
    const leaf = workflow('leaf', async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('long', '1h');
    });
    const mid = workflow('mid', async (ctx: WorkflowContext) => {
      for (let i = 0; i < 30; i++) await ctx.step.emitWorkflow(`leaf-${i}`, leaf, undefined);
      await ctx.step.waitFor('long', '1h');
    });
    const root = workflow('root', async (ctx: WorkflowContext) => {
      for (let i = 0; i < 30; i++) await ctx.step.emitWorkflow(`mid-${i}`, mid, undefined);
      await ctx.step.waitFor('long', '1h');
    });
    const engine = await startEngine({ workflows: [root, mid, leaf], worker: { concurrency: 20 } });
    await engine.startWorker();
    const handle = await engine.client.run(root, undefined);
    await eventually(async () => (await engine.client.listRuns({ workflow: 'leaf', limit: 1_000 })).items.length > 20);
    await handle.cancel({ reason: 'all of it' });
    await eventually(async () => {
      const open = (await engine.client.listRuns({ status: ['queued', 'running', 'waiting', 'scheduled'] })).items;
      return open.length === 0;
    });
    expect((await engine.client.listRuns({ status: 'succeeded' })).items).toEqual([]);
    expect(await engine.redis.keys(engine.key('canceling'))).toEqual([]);
  });

  it('are canceled by workers where the client has died in between', async () => {
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      await ctx.step.runWorkflow('child', sleeper, undefined);
    });
    const engine = await startEngine({ workflows: [parent, sleeper], worker: { reaperIntervalMs: 20 } });
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    const [step] = await engine.client.getRunSteps(handle.id);
    await engine.redis.hset(engine.key('canceling'), handle.id, `0,1,${handle.id}`);
    expect(await engine.until(step.childRunId as string, 'canceled')).toMatchObject({
      cancelReason: `Parent run "${handle.id}" was canceled`,
    });
  });

  it('are left alone when the parent only fails', async () => {
    const parent = workflow(
      'parent',
      async (ctx: WorkflowContext) => {
        await ctx.step.emitWorkflow('child', sleeper, undefined);
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [parent, sleeper], worker: { reaperIntervalMs: 20 } });
    const handle = await engine.client.run(parent, undefined);
    await rejection(handle.result());
    const [step] = await engine.client.getRunSteps(handle.id);
    const child = await engine.until(step.childRunId as string, 'waiting');
    expect(child).not.toHaveProperty('cancelRequestedAt');
  });

  it('fail their parent with ChildWorkflowError when only they are canceled', async () => {
    const parent = workflow('parent', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', sleeper, undefined), {
      maxAttempts: 1,
    });
    const engine = await startEngine({ workflows: [parent, sleeper] });
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    const [step] = await engine.client.getRunSteps(handle.id);
    await engine.client.cancelRun(step.childRunId as string, { reason: 'no more' });
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(ChildWorkflowError);
    expect(error.cause).toBeInstanceOf(RunCanceledError);
    expect(error.cause).toMatchObject({ reason: 'no more', runId: step.childRunId });
  });
});
