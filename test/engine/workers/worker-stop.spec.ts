import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  createClient,
  InvalidOptionError,
  ShutdownError,
  type StepContext,
  startWorker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { startRedis } from '../../../lib/testing/redis-server/start-redis.js';
import { gate, RecordingLogger, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ALWAYS_PARK, ownPasses } from '../../support/passes.js';

describe('worker.stop()', () => {
  it('lets running handlers finish and aborts nothing', async () => {
    const entered = gate();
    const finish = gate();
    let aborted = false;
    const handler = async (ctx: WorkflowContext) => {
      ctx.signal.addEventListener('abort', () => {
        aborted = true;
      });
      await ctx.step.run('one', () => {
        entered.open();
        return finish.promise;
      });
      return ctx.step.run('two', () => 'done');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    const stopped = engine.worker.stop();
    finish.open();
    await stopped;
    if (ALWAYS_PARK) {
      // The first step has ended the pass: what follows is the next worker's.
      await engine.startWorker();
      await handle.result();
    }
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', output: 'done' });
    expect(aborted).toBe(false);
  });

  it('claims nothing more', async () => {
    const entered = gate();
    const finish = gate();
    const started: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      started.push(ctx.run.id);
      entered.open();
      await finish.promise;
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    await engine.client.run(flow, undefined, { runId: 'first' });
    await entered.promise;
    const stopped = engine.worker.stop();
    const second = await engine.client.run(flow, undefined, { runId: 'second' });
    finish.open();
    await stopped;
    expect(started).toEqual(['first']);
    expect((await second.getState()).status).toBe('queued');
    await engine.startWorker();
    await second.result();
  });

  it('hands unfinished runs back when its time is over: aborted, at the front of the queue, and not as attempts', async () => {
    const entered = gate();
    const reasons: unknown[] = [];
    const order: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      order.push(ctx.run.id);
      if (order.length > 1) return ctx.run.attempt;
      const note = (signal: AbortSignal) => signal.addEventListener('abort', () => reasons.push(signal.reason));
      note(ctx.signal);
      return ctx.step.run('hung', ({ signal }: StepContext) => {
        note(signal);
        entered.open();
        return new Promise<never>(() => undefined);
      });
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow], worker: { shutdownTimeoutMs: 20, concurrency: 1 } });
    const first = await engine.client.run(flow, undefined, { runId: 'first' });
    const second = await engine.client.run(flow, undefined, { runId: 'second' });
    await entered.promise;
    const { id: workerId } = engine.worker;
    await engine.worker.stop();
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(ShutdownError);
      expect(reason).toMatchObject({ runId: 'first' });
    }
    expect(await first.getState()).toMatchObject({ status: 'queued', attempt: 1, recoveries: 0 });
    expect(await engine.client.getRunAttempts('first')).toMatchObject([{ attempt: 1, workerId, outcome: 'handed_back' }]);
    await engine.startWorker();
    expect([await first.result(), await second.result()]).toEqual([1, 1]);
    expect(order).toEqual(['first', 'first', 'second']);
    expect((await engine.client.getRunAttempts('first')).map(({ outcome }) => outcome)).toEqual(['handed_back', 'succeeded']);
  });

  it('keeps what was completed before the hand-back', async () => {
    const calls: string[] = [];
    const entered = gate();
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('one', () => calls.push('one'));
      await ctx.step.run('two', () => {
        calls.push('two');
        if (calls.length > 2) return undefined;
        entered.open();
        return new Promise<never>(() => undefined);
      });
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker();
    await handle.result();
    expect(calls).toEqual(['one', 'two', 'two']);
    expect((await handle.getState()).attempt).toBe(1);
  });

  it('stores what settles once its signal was aborted: it is not executed elsewhere', async () => {
    let calls = 0;
    const entered = gate();
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('one', ({ signal }) => {
        calls++;
        entered.open();
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve('late')));
      });
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'one', status: 'succeeded', output: 'late' }]);
    await engine.startWorker();
    expect(await handle.result()).toBe('late');
    expect(calls).toBe(1);
  });

  it('does not hand a run back while the function that it has aborted settles, and begins nothing more', async () => {
    const events: string[] = [];
    const entered = gate();
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('one', async ({ signal }) => {
        events.push('one begins');
        entered.open();
        if (events.length === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await delay(50);
        events.push('one ends');
      });
      await ctx.step.run('two', () => events.push('two'));
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const first = engine.worker;
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.startWorker();
    await first.stop({ timeoutMs: 0 });
    await handle.result();
    expect(events).toEqual(['one begins', 'one ends', 'two']);
    const passes = ownPasses(await engine.client.getRunAttempts(handle.id));
    expect(passes.at(-1)).toMatchObject({ outcome: 'succeeded', workerId: engine.worker.id });
  });

  it.each([
    ['step', true],
    ['handler', false],
  ])('takes a %s that fails because it was aborted for no failure', async (_, isStep) => {
    let calls = 0;
    const entered = gate();
    const untilAborted = (signal: AbortSignal) => {
      if (++calls > 1) return 'done';
      entered.open();
      return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const handler = (ctx: WorkflowContext) =>
      isStep
        ? ctx.step.run('one', ({ signal }) => untilAborted(signal), { maxAttempts: 2, retries: { delay: '1h' } })
        : untilAborted(ctx.signal);
    const flow = workflow('flow', handler, { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect(await handle.getState()).toMatchObject({ status: 'queued', attempt: 1, recoveries: 0 });
    expect(await engine.client.getRunAttempts(handle.id)).toMatchObject([{ outcome: 'handed_back' }]);
    await engine.startWorker();
    expect(await handle.result()).toBe('done');
  });

  it('refuses what code still writes that did not stop when it was told to', async () => {
    const entered = gate();
    const late = gate<string>();
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('one', () => {
        entered.open();
        return late.promise;
      });
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    late.open('late');
    await late.promise;
    expect(await handle.getState()).toMatchObject({ status: 'queued' });
    expect(await engine.client.getRunSteps(handle.id)).toEqual([]);
  });

  it('is at once where nothing runs, and may be called again', async () => {
    const engine = await startEngine({ workflows: [workflow('flow', () => undefined)] });
    await Promise.all([engine.worker.stop(), engine.worker.stop()]);
    await engine.worker.stop();
    expect((await engine.client.getStats()).workers).toEqual([]);
  });

  it('waits for as long as handlers take if it is told so', async () => {
    const [entered, release] = [gate(), gate()];
    const flow = workflow('flow', async () => {
      entered.open();
      await release.promise;
      return 'done';
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    const stopped = engine.worker.stop({ timeoutMs: Number.POSITIVE_INFINITY });
    // A timer that overflows fires within a millisecond, and the run would be queued by then.
    for (let turn = 0; turn < 20; turn++) await engine.client.getStats();
    release.open();
    await stopped;
    expect(await handle.result()).toBe('done');
    expect(await engine.client.getRunAttempts(handle.id)).toMatchObject([{ outcome: 'succeeded' }]);
  });

  it.each([[{ timeoutMs: -1 }], [{ timeoutMs: Number.NaN }], [{ timeoutMs: '5s' }], [{ timeout: 5 }], [null]])(
    'refuses %p, and goes on',
    async (options) => {
      const flow = workflow('flow', () => 'done');
      const engine = await startEngine({ workflows: [flow] });
      await expect(engine.worker.stop(options as never)).rejects.toBeInstanceOf(InvalidOptionError);
      expect(await (await engine.client.run(flow, undefined)).result()).toBe('done');
    },
  );

  it('leaves parked runs alone', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '1h'));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const parked = await engine.until(handle.id, 'waiting');
    await engine.worker.stop();
    expect(await handle.getState()).toEqual(parked);
  });
});

describe('a worker', () => {
  it('does nothing at once that it is told to do in 30 days', async () => {
    const DAYS_30 = 30 * 86_400_000;
    const flow = workflow('flow', () => 'done');
    // A server of its own: MONITOR of ioredis does not bear calls of others while it begins.
    const server = await startRedis();
    whenTestEnds(() => server.stop());
    const logger = new RecordingLogger();
    const options = { url: server.url, prefix: 'redflow:v1', logger };
    const redis = new Redis(server.url);
    const monitor = await redis.monitor();
    const calls: string[] = [];
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (/^evalsha$/i.test(args[0])) calls.push(...args);
    });
    const client = createClient(options);
    whenTestEnds(() => client.close());
    const worker = await startWorker({
      ...options,
      workflows: [flow],
      reaperIntervalMs: DAYS_30,
      historyCleanupIntervalMs: DAYS_30,
      registryRecoveryIntervalMs: DAYS_30,
      blockTimeoutMs: DAYS_30,
      watchdog: { intervalMs: DAYS_30 },
    });
    whenTestEnds(() => worker.stop());
    for (let i = 0; i < 20; i++) expect(await (await client.run(flow, undefined)).result()).toBe('done');
    monitor.disconnect();
    redis.disconnect();
    expect(calls).toContain('finish_run');
    expect(calls.filter((name) => /^(sweep_|reap_|continue_)/.test(name))).toEqual([]);
    expect(logger.matching('warn', /./)).toEqual([]);
  });

  it('executes as many runs at the same time as its concurrency says', async () => {
    const release = gate();
    let running = 0;
    let most = 0;
    const handler = async () => {
      most = Math.max(most, ++running);
      await release.promise;
      running--;
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow], worker: { concurrency: 3 } });
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 8 }, () => ({ input: undefined })),
    );
    await eventually(() => running === 3);
    const [stats] = (await engine.client.getStats()).workers;
    expect(stats).toMatchObject({ id: engine.worker.id, concurrency: 3 });
    release.open();
    for (const handle of handles) await handle.result();
    expect(most).toBe(3);
  });

  it('shares the work with others', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.run.id);
    const engine = await startEngine({ workflows: [flow] });
    await engine.startWorker();
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 100 }, () => ({ input: undefined })),
    );
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(handles.map(({ id }) => id));
  });
});
