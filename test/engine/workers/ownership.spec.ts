import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { faultyProxy } from '../../support/faulty-proxy.js';
import { idleWorkers } from '../../support/idle-workers.js';
import { startLossyProxy } from '../../support/lossy-proxy.js';
import { testRedisUrl } from '../../support/namespace.js';
import { ALWAYS_PARK } from '../../support/passes.js';

/** One claim per wake-up: the next one is the one that gets the run. */
const QUIET = { blockTimeoutMs: 60_000 };

const hung = new Promise<never>(() => undefined);

describe('script calls that are refused', () => {
  it('for as long as runs are in hand leave none of them behind: each is handed back and goes on', async () => {
    const finish = gate();
    let entered = 0;
    const flow = workflow('flow', (ctx: WorkflowContext) =>
      ctx.step.run('one', async () => {
        entered++;
        await finish.promise;
        return ctx.run.attempt;
      }),
    );
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { url: faulty.url } });
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 10 }, () => ({ input: undefined })),
    );
    await eventually(() => entered === 10);
    faulty.refuseAll('NOPERM this user has no permissions to run this command');
    const before = faulty.count('commit_step');
    finish.open();
    await eventually(() => faulty.count('commit_step') > before);
    await eventually(async () => expect((await engine.client.getStats()).runs.running).toBe(10));
    faulty.heal();
    const results = Promise.all(handles.map((handle) => handle.result()));
    let isOver = false;
    void results.then(() => {
      isOver = true;
    });
    await eventually(async () => {
      await engine.advance(5_000);
      return isOver;
    }, 'all runs have ended');
    expect(await results).toEqual(Array(10).fill(1));
    for (const handle of handles) expect(await handle.getState()).toMatchObject({ status: 'succeeded', recoveries: 0 });
  });

  it('are tried again for a hand-back, until it is answered; that is reported once', async () => {
    let passes = 0;
    const flow = workflow('flow', (ctx: WorkflowContext) => {
      passes++;
      return ctx.step.run('one', () => 'done');
    });
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { url: faulty.url } });
    faulty.break('commit_step', 'refused');
    faulty.break('finish_run', 'refused');
    faulty.break('release_run', 'refused');
    const handle = await engine.client.run(flow, undefined);
    await eventually(() => faulty.count('release_run') >= 3);
    expect(await handle.getState()).toMatchObject({ status: 'running' });
    faulty.heal();
    await engine.until(handle.id, 'waiting', 'scheduled');
    await engine.advance(5_000);
    expect(await handle.result()).toBe('done');
    expect(passes).toBe(ALWAYS_PARK ? 3 : 2);
    expect(engine.logs.matching('error', /it is handed back/)).toHaveLength(1);
    expect(engine.logs.matching('warn', /^Handing runs back failed and is tried again/)).toHaveLength(1);
    expect(engine.logs.matching('warn', /^Handing runs back works again/)).toHaveLength(1);
  });

  it('for claims are followed by pauses, not by the next call, and reported once and once when that is over', async () => {
    const flow = workflow('flow', () => 'done');
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { url: faulty.url } });
    faulty.break('claim_runs', 'refused');
    const handle = await engine.client.run(flow, undefined);
    const [claims, rounds] = [faulty.count('claim_runs'), faulty.count('pack_runs')];
    // What packs ended runs looks once a second: the clock of this test.
    await eventually(() => faulty.count('pack_runs') >= rounds + 3);
    const asked = faulty.count('claim_runs') - claims;
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(20);
    faulty.heal();
    expect(await handle.result()).toBe('done');
    expect(engine.logs.matching('warn', /^Claiming runs failed and is tried again/)).toHaveLength(1);
    expect(engine.logs.matching('warn', /^Claiming runs works again/)).toHaveLength(1);
  });

  it('for looks at cancellations, packing and ticks are reported once, however often they are tried', async () => {
    const flow = workflow('flow', () => hung, { cron: [{ id: 'each', expression: '* * * * * *', misfire: 'once' }] });
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { url: faulty.url, leaseMs: 100 } });
    for (const operation of ['find_canceled', 'pack_runs', 'fire_schedule']) faulty.break(operation, 'refused');
    await engine.client.run(flow, undefined);
    for (const operation of ['find_canceled', 'pack_runs']) await eventually(() => faulty.count(operation) >= 4);
    await eventually(async () => {
      await engine.advance(5_000);
      return faulty.count('fire_schedule') >= 3;
    });
    faulty.heal();
    for (const what of ['Looking for canceled runs', 'Packing ended runs', 'Firing schedule "each"']) {
      await eventually(() => engine.logs.matching('warn', new RegExp(`^${what} works again`)).length === 1, what);
      expect(engine.logs.matching('warn', new RegExp(`^${what} failed`))).toHaveLength(1);
    }
  });

  it('for heartbeats keep steps from beginning, not for ever', async () => {
    const first = gate();
    const entered = gate();
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('one', () => {
        entered.open();
        return first.promise;
      });
      return ctx.step.run('two', () => 'done');
    });
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { ...QUIET, url: faulty.url, leaseMs: 100 } });
    const handle = await engine.client.run(flow, undefined);
    await entered.promise;
    faulty.break('renew_lease', 'refused');
    const before = faulty.count('renew_lease');
    await eventually(() => faulty.count('renew_lease') > before + 6);
    first.open();
    await eventually(async () => expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'one' }]));
    faulty.heal();
    expect(await handle.result()).toBe('done');
  });
});

describe('a heartbeat', () => {
  it('takes nothing from a worker that executes it, under load and over connections that are cut', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('one', () => 1);
      await ctx.step.waitFor('nap', 20);
      return ctx.step.run('two', () => 2);
    });
    const proxy = await startLossyProxy(testRedisUrl());
    whenTestEnds(() => proxy.close());
    // A beat every 100 ms.
    const options = { url: proxy.url, concurrency: 60, leaseMs: 300, reaperIntervalMs: 600_000 };
    const engine = await startEngine({ workflows: [flow], worker: options });
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 600 }, () => ({ input: undefined })),
    );
    let isOver = false;
    const results = Promise.all(handles.map((handle) => handle.result())).finally(() => {
      isOver = true;
    });
    for (let cuts = 0; !isOver && cuts < 10; cuts++) {
      await Promise.race([proxy.dropReplyTo(/renew_lease|claim_runs/).catch(() => undefined), results]);
    }
    await results;
    expect(engine.logs.matching('warn', /that it does not hold/)).toEqual([]);
  });
});

describe('the watchdog', () => {
  it('reports a run that Redis says the worker executes and that no pass of it does', async () => {
    const flow = workflow('flow', () => 'done');
    const faulty = await faultyProxy();
    const options = { url: faulty.url, leaseMs: 100, watchdog: { intervalMs: 10, stalledForMs: 30 } };
    const engine = await startEngine({ workflows: [flow], worker: options });
    faulty.break('finish_run', 'refused');
    faulty.break('release_run', 'refused');
    const handle = await engine.client.run(flow, undefined);
    await eventually(async () => expect((await engine.client.getStats()).stalledRuns).toEqual([handle.id]));
    expect(engine.logs.matching('warn', /this worker executes the run, which it does not/)).toMatchObject([
      { fields: { runId: handle.id } },
    ]);
    faulty.heal();
    await eventually(async () => expect((await engine.client.getStats()).stalledRuns).toEqual([]));
  });
});

describe('a claim', () => {
  it('that ran and was answered by an error is asked again under its number: its runs start, once, and are no recoveries', async () => {
    const started: string[] = [];
    const flow = workflow('flow', (ctx: WorkflowContext) => {
      started.push(ctx.run.id);
    });
    const faulty = await faultyProxy();
    const engine = await startEngine({ workflows: [flow], worker: { url: faulty.url, concurrency: 4 } });
    faulty.break('claim_runs', 'answered by an error');
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 3 }, () => ({ input: undefined })),
    );
    for (const { id } of handles) await engine.until(id, 'running');
    expect(started).toEqual([]);
    faulty.heal();
    for (const handle of handles) await handle.result();
    expect([...started].sort()).toEqual(handles.map(({ id }) => id).sort());
    for (const handle of handles) {
      expect(await handle.getState()).toMatchObject({ recoveries: 0, attempt: 1 });
      expect(await engine.client.getRunAttempts(handle.id)).toMatchObject([{ outcome: 'succeeded' }]);
    }
  });

  it('that hands out a run which cannot be read starts the others, and hands that one back', async () => {
    const flow = workflow('flow', () => 'done');
    const engine = await startEngine({ workflows: [flow] });
    await engine.client.pauseQueue('default');
    const [broken, good] = await engine.client.runMany(flow, [{ input: undefined }, { input: undefined }]);
    await engine.redis.hset(engine.key(`run:${broken.id}`), 'tg', '{');
    await engine.client.resumeQueue('default');
    expect(await good.result()).toBe('done');
    await eventually(() => engine.logs.matching('warn', /cannot be read and is handed back/).length === 1);
    await eventually(async () => (await engine.redis.hget(engine.key(`run:${broken.id}`), 'st')) !== 'r');
    await engine.redis.hdel(engine.key(`run:${broken.id}`), 'tg');
    await engine.advance(60_000);
    expect(await broken.result()).toBe('done');
  });

  it('that is answered when the lease is over starts nothing beside the next owner of its run', async () => {
    const passes: string[] = [];
    const flow = workflow('flow', (ctx: WorkflowContext) => {
      passes.push(ctx.run.id);
    });
    const faulty = await faultyProxy();
    const options = { ...QUIET, url: faulty.url, leaseMs: 100, reaperIntervalMs: 60_000 };
    const engine = await startEngine({ workflows: [flow], worker: options });
    await eventually(async () => (await idleWorkers(engine.redis, `{${engine.prefix}}`)).length === 1);
    const stalled = faulty.stallFrom('claim_runs');
    const handle = await engine.client.run(flow, undefined);
    await stalled;
    await engine.until(handle.id, 'running');
    await engine.startWorker({ url: testRedisUrl(), leaseMs: 60_000, reaperIntervalMs: 10 });
    await handle.result();
    faulty.heal();
    await eventually(() => engine.logs.matching('warn', /lost its lease/).length > 0);
    await eventually(() => engine.logs.matching('warn', /late writes are refused/).length > 0);
    expect(passes).toEqual([handle.id]);
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', recoveries: 1 });
  });

  it('that is answered when the lease is over, and nobody took its run, starts it once the lease is renewed', async () => {
    const flow = workflow('flow', () => 'done');
    const faulty = await faultyProxy();
    const options = { ...QUIET, url: faulty.url, leaseMs: 100, reaperIntervalMs: 60_000 };
    const engine = await startEngine({ workflows: [flow], worker: options });
    await eventually(async () => (await idleWorkers(engine.redis, `{${engine.prefix}}`)).length === 1);
    const stalled = faulty.stallFrom('claim_runs');
    const handle = await engine.client.run(flow, undefined);
    await stalled;
    await eventually(
      async () => Number(await engine.redis.zscore(engine.key('workers'), engine.worker.id)) < (await engine.now()),
    );
    faulty.heal();
    expect(await handle.result()).toBe('done');
    expect(await handle.getState()).toMatchObject({ recoveries: 0 });
  });
});
