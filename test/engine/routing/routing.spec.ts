import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineWorkflow,
  type StartWorkerOptions,
  type WorkflowContext,
  type WorkflowDefinition,
} from '../../../lib/engine/index.js';
import { crashWorker } from '../../../lib/engine/test-bed/index.js';
import { type Engine, gate, once, startEngine, workflow } from '../../support/engine.js';
import { idleWorkers } from '../../support/idle-workers.js';
import { ALWAYS_PARK } from '../../support/passes.js';

/** Polling comes too late for any of these tests: each run starts by a wake-up, or not at all. */
const NO_POLLING = { blockTimeoutMs: 600_000, leaseMs: 600_000, reaperIntervalMs: 600_000 };

const RUNS = Array.from({ length: 20 }, (_, index) => index);

const ours = workflow('ours', async (ctx: WorkflowContext<number>) => ctx.step.run('double', () => ctx.input * 2));

/** Two services with default options, their worker for `ours` included; `theirs` is the one of the other. */
async function twoServices(
  theirs: WorkflowDefinition<unknown, unknown> = workflow('theirs', () => 'theirs'),
  options: StartWorkerOptions = {},
): Promise<Engine> {
  const engine = await startEngine({ workflows: [ours], worker: NO_POLLING });
  await engine.startWorker({ ...NO_POLLING, app: 'theirs', workflows: [theirs], ...options });
  await allIdle(engine, 2);
  return engine;
}

function allIdle(engine: Engine, workers: number): Promise<unknown> {
  return once(async () => (await idleWorkers(engine.redis, `{${engine.prefix}}`)).length === workers);
}

/** Executes runs one after another, and fails if any pass was given to a worker that could do nothing with it. */
async function expectUndisturbed(engine: Engine, name = 'ours'): Promise<void> {
  for (const index of RUNS) {
    const handle = await engine.client.runByName(name, index);
    expect(await handle.result()).toBe(index * 2);
    expect(await handle.getState()).toMatchObject({ attempt: 1, recoveries: 0 });
    const outcomes = (await engine.client.getRunAttempts(handle.id)).map(({ outcome }) => outcome);
    if (!ALWAYS_PARK) expect(outcomes).toEqual(['succeeded']);
  }
  expect(engine.logs.matching('warn', /./)).toEqual([]);
}

describe('runs beside a worker that does not serve them', () => {
  it('are executed as if it was not there while it is idle', async () => {
    await expectUndisturbed(await twoServices());
  });

  it('are executed while it is busy and its queue is full', async () => {
    const opened = gate();
    const theirs = workflow('theirs', () => opened.promise);
    const engine = await twoServices(theirs, { concurrency: 1 });
    const blocked = await Promise.all(RUNS.map((index) => engine.client.runByName('theirs', index)));
    await expectUndisturbed(engine);
    opened.open();
    for (const handle of blocked) await handle.result();
  });

  it('are executed when it was stopped, and leave its runs where they are', async () => {
    const engine = await twoServices();
    await engine.worker.stop();
    const resting = await engine.client.runByName('theirs', 0);
    await expectUndisturbed(engine);
    expect(await resting.getState()).toMatchObject({ status: 'queued', blockedBy: 'worker' });
    await engine.startWorker({ ...NO_POLLING, app: 'theirs', workflows: [workflow('theirs', () => 'theirs')] });
    expect(await resting.result()).toBe('theirs');
  });

  it('are executed when it is dead', async () => {
    const engine = await twoServices();
    await crashWorker(engine.worker);
    await engine.client.runByName('theirs', 0);
    await expectUndisturbed(engine);
  });

  it('wake up in time from their sleeps', async () => {
    const sleeper = workflow('sleeper', async (ctx: WorkflowContext) => {
      for (let nap = 0; nap < 5; nap++) await ctx.step.waitFor(`nap-${nap}`, 20);
      return ctx.run.attempt;
    });
    const engine = await twoServices(sleeper);
    const handles = await Promise.all(RUNS.map(() => engine.client.runByName('sleeper', undefined)));
    for (const handle of handles) {
      expect(await handle.result()).toBe(1);
      expect((await engine.client.getRunAttempts(handle.id)).map(({ outcome }) => outcome)).not.toContain('handed_back');
    }
  });

  it('find children, subscribers and scheduled runs of other services executed by those', async () => {
    const heard = gate<string>();
    const child = workflow('child', (ctx: WorkflowContext<string>) => ctx.input.toUpperCase());
    const listener = workflow('listener', (ctx: WorkflowContext) => heard.open(String(ctx.event?.name)), {
      event: [{ name: 'told' }],
    });
    const daily = workflow('daily', (ctx: WorkflowContext) => ctx.run.workflow, {
      cron: [{ id: 'daily', expression: '0 0 1 1 *' }],
    });
    const parent = workflow('parent', async (ctx: WorkflowContext<string>) =>
      ctx.step.runWorkflow<string, string>('ask', 'child', ctx.input),
    );
    const engine = await startEngine({ workflows: [parent], worker: NO_POLLING });
    await engine.startWorker({ ...NO_POLLING, app: 'theirs', workflows: [child, listener, daily] });
    await allIdle(engine, 2);
    expect(await (await engine.client.run(parent, 'hi')).result()).toBe('HI');
    await engine.client.emitEvent('told', undefined);
    expect(await heard.promise).toBe('told');
    expect(await (await engine.client.triggerSchedule('daily')).result()).toBe('daily');
  });

  it('have their compensations and failure hooks executed by their own service', async () => {
    const undone: string[] = [];
    const hooked = gate<string>();
    const saga = defineWorkflow('saga', {
      maxAttempts: 1,
      handler: async (ctx: WorkflowContext) => {
        await ctx.step.run('charge', () => 'charged', { compensate: () => void undone.push('charge') });
        throw new Error('boom');
      },
      onFailure: (ctx) => hooked.open(ctx.run.id),
      registry: createRegistry(),
    });
    const engine = await twoServices(saga);
    const handle = await engine.client.runByName('saga', undefined);
    expect((await engine.failure(handle)).message).toBe('boom');
    await hooked.promise;
    expect(undone).toEqual(['charge']);
    expect((await engine.hookEnded(handle.id)).failureHook).toEqual({ status: 'succeeded' });
  });

  it('are executed at once while a deploy that adds their workflow is under way', async () => {
    const old = workflow('old', () => 'old');
    const engine = await startEngine({ worker: false });
    for (let worker = 0; worker < 5; worker++) await engine.startWorker({ ...NO_POLLING, workflows: [old] });
    await allIdle(engine, 5);
    const early = await engine.client.runByName('ours', 21, { allowUnknown: true });
    await engine.startWorker({ ...NO_POLLING, workflows: [old, ours] });
    expect(await early.result()).toBe(42);
    await allIdle(engine, 6);
    await expectUndisturbed(engine);
    for (const index of RUNS) expect(await (await engine.client.runByName('old', index)).result()).toBe('old');
  });

  it('pass a gate that they share with nobody, one at a time', async () => {
    let inside = 0;
    let most = 0;
    const narrow = workflow(
      'narrow',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('work', async () => {
          most = Math.max(most, ++inside);
          await Promise.resolve();
          inside--;
        });
      },
      { maxConcurrency: 1 },
    );
    const engine = await twoServices(narrow);
    const handles = await Promise.all(RUNS.map((index) => engine.client.runByName('narrow', index)));
    const others = await Promise.all(RUNS.map((index) => engine.client.runByName('ours', index)));
    for (const handle of [...handles, ...others]) await handle.result();
    expect(most).toBe(1);
  });
});

describe('runs that rest because nobody alive serves them', () => {
  async function withRestingRuns(): Promise<{ engine: Engine; runIds: string[] }> {
    const engine = await startEngine({ workflows: [ours], worker: NO_POLLING });
    const runIds: string[] = [];
    for (const index of RUNS) {
      const { id } = await engine.client.runByName('theirs', index, { allowUnknown: true, runId: `r${index}` });
      runIds.push(id);
    }
    await once(async () => (await engine.redis.zcard(engine.key('queue:default'))) === 0);
    await once(async () => (await engine.client.getRun('r19'))?.status === 'queued');
    return { engine, runIds };
  }
  const theirs = (order: string[] = []) => workflow('theirs', (ctx: WorkflowContext) => void order.push(ctx.run.id));

  it('start in their order when a worker comes that does', async () => {
    const { engine, runIds } = await withRestingRuns();
    const order: string[] = [];
    await engine.startWorker({ ...NO_POLLING, concurrency: 1, workflows: [theirs(order)] });
    for (const id of runIds) await engine.until(id, 'succeeded');
    expect(order).toEqual(runIds);
  });

  it('can be canceled, and leave nothing in the way of others', async () => {
    const { engine, runIds } = await withRestingRuns();
    for (const id of runIds) expect((await engine.client.cancelRun(id)).canceled).toBe(true);
    expect(await engine.redis.exists(engine.key('lanes:default'))).toBe(0);
    expect(await engine.redis.hexists(engine.key('controls'), 'ldefault')).toBe(0);
    expect(await (await engine.client.runByName('ours', 1)).result()).toBe(2);
  });

  it('are gone after a reset, and the next ones are executed', async () => {
    const { engine } = await withRestingRuns();
    await engine.client.resetRuns({ confirm: engine.prefix });
    await engine.startWorker({ ...NO_POLLING, workflows: [theirs()] });
    await (await engine.client.runByName('theirs', 1)).result();
    expect(await (await engine.client.runByName('ours', 1)).result()).toBe(2);
    await once(async () => (await engine.redis.hexists(engine.key('controls'), 'ldefault')) === 0);
  });

  it('rest again when they are retried, and when their only worker has crashed', async () => {
    const engine = await startEngine({ workflows: [ours], worker: NO_POLLING });
    const fails = workflow('theirs', () => Promise.reject(new Error('boom')), { maxAttempts: 1 });
    const first = await engine.startWorker({ ...NO_POLLING, workflows: [fails] });
    const handle = await engine.client.runByName('theirs', 1);
    await engine.failure(handle);
    await first.stop();
    const retried = await engine.client.retryRun(handle.id);
    await once(async () => (await retried.getState()).blockedBy === 'worker');
    const opened = gate();
    const stuck = workflow('theirs', () => opened.promise);
    const dies = await engine.startWorker({ ...NO_POLLING, leaseMs: 1_000, workflows: [stuck] });
    await engine.until(handle.id, 'running');
    await crashWorker(dies);
    await engine.startWorker({ ...NO_POLLING, reaperIntervalMs: 50, workflows: [ours] });
    await once(async () => (await engine.client.getRun(handle.id))?.blockedBy === 'worker');
    await engine.startWorker({ ...NO_POLLING, workflows: [theirs()] });
    await engine.until(handle.id, 'succeeded');
    opened.open();
  });

  it('are found by polling when the wake-up is lost', async () => {
    const { engine, runIds } = await withRestingRuns();
    const worker = await engine.startWorker({ ...NO_POLLING, concurrency: 1, blockTimeoutMs: 50, workflows: [theirs()] });
    for (const id of runIds) await engine.until(id, 'succeeded');
    await once(async () => (await idleWorkers(engine.redis, `{${engine.prefix}}`)).includes(worker.id));
    const stop = new AbortController();
    const losing = (async () => {
      while (!stop.signal.aborted) await engine.redis.del(engine.key(`wake:${worker.id}`));
    })();
    await (await engine.client.runByName('theirs', 1)).result();
    stop.abort();
    await losing;
  });

  it('are put aside again after a Redis that came back without having heard of it', async () => {
    const { engine, runIds } = await withRestingRuns();
    const ourWorker = await engine.startWorker({ ...NO_POLLING, leaseMs: 150, workflows: [ours] });
    await engine.redis.del(engine.key('lane:q7:theirs\0default'), engine.key('lanes:default'));
    await engine.redis.hdel(engine.key('controls'), 'ldefault');
    for (const id of runIds)
      await engine.redis.hset(engine.key(`run:${id}`), 'st', 'r', 'w', ourWorker.id, 'sa', await engine.now(), 'f', 1);
    await engine.redis.sadd(engine.key(`owned:${ourWorker.id}`), ...runIds);
    await once(async () => (await engine.redis.zcard(engine.key('lane:q6:theirsdefault'))) === runIds.length);
    await engine.startWorker({ ...NO_POLLING, workflows: [theirs()] });
    for (const id of runIds) await engine.until(id, 'succeeded');
  });
});
