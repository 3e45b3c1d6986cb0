import { describe, expect, it } from '@jest/globals';
import { CrashLoopError, LeaseLostError, type WorkflowContext } from '../../../lib/engine/index.js';
import { type Engine, gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

/** Lets the lease of the worker run out, as if its process had gone, and waits until its run was taken from it. */
async function crash(engine: Engine, runId: string): Promise<void> {
  const before = (await engine.client.getRun(runId))?.recoveries ?? Number.NaN;
  await engine.redis.zadd(engine.key('workers'), 'XX', 1, engine.worker.id);
  await eventually(async () => (await engine.client.getRun(runId))?.recoveries === before + 1, 'the run is recovered');
}

/** Takes the lease of the engine's worker away and lets another worker notice. */
async function loseLease(engine: Engine): Promise<void> {
  const { worker } = engine;
  await engine.redis.zadd(engine.key('workers'), 'XX', 1, worker.id);
  await engine.startWorker({ reaperIntervalMs: 10 });
}

const hung = new Promise<never>(() => undefined);
/** No heartbeat comes between the end of a lease and the reaper: it would renew the lease. */
const quickReaper = { leaseMs: 60_000, reaperIntervalMs: 10 };

describe('a run whose worker crashed', () => {
  it('is queued again, which is not an attempt', async () => {
    let starts = 0;
    const flow = workflow('flow', (ctx: WorkflowContext) => (++starts === 1 ? hung : ctx.run.attempt));
    const engine = await startEngine({ workflows: [flow], worker: quickReaper });
    const handle = await engine.client.run(flow, undefined);
    await eventually(() => starts === 1);
    await crash(engine, handle.id);
    expect(await handle.result()).toBe(1);
    const workerId = engine.worker.id;
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1, workerId });
    expect(await engine.client.getRunAttempts(handle.id)).toMatchObject([
      { attempt: 1, workerId, outcome: 'lost' },
      { attempt: 1, workerId, outcome: 'succeeded' },
    ]);
  });

  it.each([0, 2, 4])(
    'fails with CrashLoopError after maxRecoveries (%d) and one more start; others are unaffected',
    async (maxRecoveries) => {
      let starts = 0;
      const flow = workflow('flow', () => {
        starts++;
        return hung;
      });
      const other = workflow('other', () => 'fine');
      const engine = await startEngine({ workflows: [flow, other], worker: { ...quickReaper, maxRecoveries } });
      const handle = await engine.client.run(flow, undefined);
      for (let start = 1; start <= maxRecoveries + 1; start++) {
        await eventually(() => starts === start, `start ${start}`);
        await crash(engine, handle.id);
      }
      const error = await engine.failure(handle);
      expect(error).toBeInstanceOf(CrashLoopError);
      expect(error).toMatchObject({ runId: handle.id, workflow: 'flow', recoveries: maxRecoveries + 1 });
      expect(starts).toBe(maxRecoveries + 1);
      expect((await handle.getState()).attempt).toBe(1);
      expect(await (await engine.client.run(other, undefined)).result()).toBe('fine');
    },
  );

  it('executes runs that crashed together without a pause between them', async () => {
    const starts = new Map<string, number>();
    const flow = workflow('flow', (ctx: WorkflowContext) => {
      const start = (starts.get(ctx.run.id) ?? 0) + 1;
      starts.set(ctx.run.id, start);
      return start <= 3 ? hung : 'done';
    });
    // A worker that waited for its next look at the queues would not be done in time.
    const engine = await startEngine({ workflows: [flow], worker: { ...quickReaper, concurrency: 40, blockTimeoutMs: 600_000 } });
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 20 }, () => ({ input: undefined })),
    );
    for (let crashes = 1; crashes <= 3; crashes++) {
      await eventually(() => handles.every(({ id }) => starts.get(id) === crashes), `start ${crashes} of all`);
      await crash(engine, handles[0].id);
    }
    await Promise.all(handles.map((handle) => handle.result()));
    expect([...starts.values()]).toEqual(Array(20).fill(4));
  });

  it('starts its count of recoveries anew with every completed step', async () => {
    let hangs = 0;
    let completed = 0;
    const handler = async (ctx: WorkflowContext) => {
      if (hangs === 0) {
        hangs++;
        return hung;
      }
      await ctx.step.run('one', () => completed++);
      await ctx.step.run('two', () => completed++);
      return ++hangs === 2 ? hung : 'done';
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow], worker: { ...quickReaper, maxRecoveries: 1 } });
    const handle = await engine.client.run(flow, undefined);
    await eventually(() => hangs === 1);
    await crash(engine, handle.id);
    await eventually(() => hangs === 2);
    await eventually(async () => (await engine.client.getRunSteps(handle.id)).length === 2);
    await crash(engine, handle.id);
    expect(await handle.result()).toBe('done');
    expect((await handle.getState()).recoveries).toBe(2);
    expect(completed).toBe(2);
  });
});

describe('a worker that lost its lease', () => {
  it('stops its handlers and can write nothing; the run goes on elsewhere', async () => {
    const entered = gate();
    const late = gate<string>();
    let reason: unknown;
    let passes = 0;
    let calls = 0;
    const handler = async (ctx: WorkflowContext) => {
      const isFirst = ++passes === 1;
      const value = await ctx.step.run('one', () => {
        if (!isFirst) return 'second';
        ctx.signal.addEventListener('abort', () => {
          reason = ctx.signal.reason;
        });
        entered.open();
        return late.promise;
      });
      return ctx.step.run('two', () => `${value} ${++calls}`);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow], worker: { leaseMs: 60_000 } });
    const first = engine.worker;
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    await loseLease(engine);
    expect(await handle.result()).toBe('second 1');
    await eventually(() => reason !== undefined);
    expect(reason).toBeInstanceOf(LeaseLostError);
    expect(reason).toMatchObject({ runId: handle.id, workerId: first.id });
    late.open('first');
    await late.promise;
    expect((await engine.client.getRunSteps(handle.id)).map(({ output }) => output)).toEqual(['second', 'second 1']);
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1 });
  });

  it('starts a new lease and works on', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.run.attempt);
    const engine = await startEngine({ workflows: [flow], worker: quickReaper });
    await engine.redis.zadd(engine.key('workers'), 'XX', 1, engine.worker.id);
    await eventually(() => engine.logs.matching('warn', /lost its lease/).length > 0);
    expect(await (await engine.client.run(flow, undefined)).result()).toBe(1);
    expect((await engine.client.getStats()).workers.map(({ id }) => id)).toEqual([engine.worker.id]);
  });
});
