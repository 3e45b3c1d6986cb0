import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import { type Engine, startEngine, workflow } from '../../support/engine.js';

const NOBODY = { versions: [], unpinned: { openRuns: 0, workers: 0 }, patches: [] };

const order = (version?: string, options: WorkflowOptions<unknown> = {}) =>
  workflow('order', async (ctx: WorkflowContext) => ctx.step.waitForEvent('go', { event: 'go', correlationKey: 'all' }), {
    ...options,
    version,
  });
const [v1, v2, without] = [order('1'), order('2', { current: true }), order()];

async function waiting(engine: Engine, options: { version?: string } = {}): Promise<string> {
  const { id } = await engine.client.runByName('order', 0, options);
  await engine.until(id, 'waiting');
  return id;
}

describe('getVersions()', () => {
  it('counts the open runs of each version, those without one, and the workers', async () => {
    const engine = await startEngine({ workflows: [without] });
    await waiting(engine);
    await engine.startWorker({ workflows: [without] });
    expect(await engine.client.getVersions('order')).toEqual({ ...NOBODY, unpinned: { openRuns: 1, workers: 2 } });
    await engine.stopWorkers();
    await engine.startWorker({ workflows: [v1, v2] });
    await waiting(engine);
    const pinned = await waiting(engine, { version: '1' });
    await engine.client.runByName('order', 0, { runAt: '1h' });
    const counted = {
      current: '2',
      versions: [
        { version: '1', openRuns: 1, pendingHooks: 0, workers: 1 },
        { version: '2', openRuns: 1, pendingHooks: 0, workers: 1 },
      ],
      unpinned: { openRuns: 2, workers: 1 },
      patches: [],
    };
    expect(await engine.client.getVersions('order')).toEqual(counted);
    await engine.stopWorkers();
    await engine.startWorker({ workflows: [v2] });
    await engine.client.cancelRun(pinned);
    expect(await engine.client.getVersions('order')).toEqual({
      ...counted,
      versions: [{ version: '2', openRuns: 1, pendingHooks: 0, workers: 1 }],
    });
  });

  it('shows a version that nobody serves for as long as it has runs', async () => {
    const engine = await startEngine({ workflows: [v1] });
    const id = await waiting(engine);
    await engine.stopWorkers();
    expect((await engine.client.getVersions('order')).versions).toEqual([
      { version: '1', openRuns: 1, pendingHooks: 0, workers: 0 },
    ]);
    await engine.startWorker({ workflows: [v2] });
    expect((await engine.client.getVersions('order')).versions.map(({ version }) => version)).toEqual(['1', '2']);
    await engine.client.cancelRun(id);
    expect((await engine.client.getVersions('order')).versions.map(({ version }) => version)).toEqual(['2']);
  });

  it('counts open runs by the answers of patched()', async () => {
    const patched = workflow('order', async (ctx: WorkflowContext) => {
      await ctx.patched('fraud-check');
      await ctx.step.waitForEvent('go', { event: 'go', correlationKey: 'all' });
    });
    const engine = await startEngine({ workflows: [without] });
    for (let i = 0; i < 2; i++) await waiting(engine);
    await engine.stopWorkers();
    await engine.startWorker({ workflows: [patched] });
    const fresh = await waiting(engine);
    expect((await engine.client.getVersions('order')).patches).toEqual([{ id: 'fraud-check', patched: 1, unpatched: 0 }]);
    await engine.client.emitEvent('go', 1, { correlationKey: 'all' });
    await engine.until(fresh, 'succeeded');
    expect((await engine.client.getVersions('order')).patches).toEqual([]);
  });

  it.each(['nobody', '', 'a\0b'])('is empty for %j, which nobody knows', async (name) => {
    const engine = await startEngine({ worker: false });
    expect(await engine.client.getVersions(name)).toEqual(NOBODY);
  });

  it('counts nothing once all runs are deleted', async () => {
    const engine = await startEngine({ workflows: [v1, v2] });
    await waiting(engine, { version: '1' });
    await engine.client.resetRuns({ confirm: engine.prefix });
    const { versions } = await engine.client.getVersions('order');
    expect(versions.map(({ openRuns }) => openRuns)).toEqual([0, 0]);
  });
});

describe('the start of a worker', () => {
  it('warns of runs that are pinned to a version which nobody serves, with their number', async () => {
    const engine = await startEngine({ workflows: [v1] });
    for (let i = 0; i < 2; i++) await waiting(engine);
    expect(engine.logs.matching('warn', /pinned/)).toEqual([]);
    await engine.stopWorkers();
    await engine.startWorker({ workflows: [v2] });
    const [line, ...more] = engine.logs.matching('warn', /pinned/);
    expect(line.message).toBe(
      '2 runs are pinned to version "1" of workflow "order", which no living worker serves, and will wait until one does. Keep the code ' +
        'of a version until getVersions() counts no runs of it.',
    );
    expect(line.fields).toMatchObject({ workflow: 'order', version: '1', runs: 2 });
    expect(more).toEqual([]);
    await engine.startWorker({ workflows: [v1] });
    expect(engine.logs.matching('warn', /pinned/)).toHaveLength(1);
  });
});
