import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, RedflowClient, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { testRedisUrl } from '../../support/namespace.js';

describe('getStats()', () => {
  it('is empty for an empty namespace', async () => {
    const engine = await startEngine({ worker: false });
    expect(await engine.client.getStats()).toEqual({
      runs: { scheduled: 0, queued: 0, running: 0, waiting: 0, succeeded: 0, failed: 0, canceled: 0 },
      queues: [],
      workers: [],
      stalledRuns: [],
      unserved: [],
      blocked: [],
    });
  });

  it('tells how many runs wait in each queue, and since when', async () => {
    const flow = workflow('flow', () => 1);
    const engine = await startEngine({ worker: false });
    await engine.client.runMany(flow, [{ input: 1 }, { input: 2 }, { input: 3, queue: 'mail' }, { input: 4, runAt: '1d' }]);
    await engine.advance(5_000);
    const { queues } = await engine.client.getStats();
    const byName = Object.fromEntries(queues.map(({ name, depth }) => [name, depth]));
    expect(byName).toEqual({ default: 2, mail: 1 });
    for (const { oldestAgeMs } of queues) expect(oldestAgeMs).toBeGreaterThanOrEqual(5_000);
  });

  it('shows every worker, what it serves and how much it runs', async () => {
    const release = gate();
    const flow = workflow('flow', () => release.promise);
    const settings = { app: 'shop', queues: ['default', 'mail'], concurrency: 7, leaseMs: 100 };
    const engine = await startEngine({ workflows: [flow], worker: settings });
    const handle = await engine.client.run(flow, undefined);
    const before = await engine.now();
    const worker = await eventually(async () => {
      const [shown] = (await engine.client.getStats()).workers;
      return shown.running === 1 && shown.lastSeenAt >= before && shown;
    });
    expect(worker).toMatchObject({ id: engine.worker.id, app: 'shop', queues: ['default', 'mail'], concurrency: 7 });
    release.open();
    await handle.result();
  });
});

describe('workflows that nobody serves', () => {
  it('are named, and so are queues without a worker', async () => {
    const report = workflow('report', () => 1, { queue: 'reports' });
    const engine = await startEngine({ workflows: [report], worker: { queues: ['report'] } });
    const registry = createRegistry();
    defineWorkflow('report', { queue: 'reports', handler: () => 1, registry });
    const client = new RedflowClient({ url: testRedisUrl(), prefix: engine.prefix }, { registry });
    whenTestEnds(() => client.close());
    await client.runByName('report', undefined);
    const stats = await client.getStats();
    expect(stats.unserved).toEqual([{ workflow: 'report', queue: 'reports', runs: 1 }]);
    expect(stats.queues).toMatchObject([{ name: 'reports', depth: 1, workers: 0 }]);
    await engine.startWorker({ queues: ['reports'] });
    expect(await client.getStats()).toMatchObject({ unserved: [], queues: [{ name: 'reports', workers: 1 }] });
  });
});

describe('watchdog', () => {
  const settings = { leaseMs: 100, watchdog: { intervalMs: 10, stalledForMs: 30 } };

  it('reports a run that makes no progress, once, and takes it back when it ends', async () => {
    const release = gate();
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('stuck', () => release.promise));
    const engine = await startEngine({ workflows: [flow], worker: settings });
    const handle = await engine.client.run(flow, undefined);
    await eventually(async () => (await engine.client.getStats()).stalledRuns.includes(handle.id));
    const warnings = engine.logs.matching('warn', /no progress/);
    expect(warnings).toHaveLength(1);
    expect(warnings[0].fields).toMatchObject({
      runId: handle.id,
      workflow: 'flow',
      workerId: engine.worker.id,
      steps: ['stuck'],
    });
    release.open();
    await handle.result();
    await eventually(async () => (await engine.client.getStats()).stalledRuns.length === 0);
  });

  it('takes a report of progress for progress', async () => {
    const release = gate();
    let reporting = true;
    const flow = workflow('flow', (ctx: WorkflowContext) =>
      ctx.step.run('long', async (step) => {
        while (reporting) await step.progress(1);
        await release.promise;
      }),
    );
    const engine = await startEngine({
      workflows: [flow],
      worker: { leaseMs: 100, watchdog: { intervalMs: 10, stalledForMs: 1_000 } },
    });
    const handle = await engine.client.run(flow, undefined);
    const { startedAt = 0 } = await engine.until(handle.id, 'running');
    await eventually(async () => (await engine.now()) > startedAt + 1_500);
    expect(engine.logs.matching('warn', /no progress/)).toEqual([]);
    reporting = false;
    await eventually(() => engine.logs.matching('warn', /no progress/).length === 1);
    release.open();
    await handle.result();
  });

  it('can be turned off', async () => {
    const release = gate();
    const flow = workflow('flow', () => release.promise);
    const off = { leaseMs: 100, watchdog: { ...settings.watchdog, enabled: false } };
    const engine = await startEngine({ workflows: [flow], worker: off });
    const handle = await engine.client.run(flow, undefined);
    const watched = await startEngine({ workflows: [flow], worker: settings });
    await watched.client.run(flow, undefined);
    await eventually(() => watched.logs.matching('warn', /no progress/).length === 1);
    expect(engine.logs.matching('warn', /no progress/)).toEqual([]);
    release.open();
    await handle.result();
  });
});
