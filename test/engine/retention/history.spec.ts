import { describe, expect, it } from '@jest/globals';
import type { RunFilter, RunRecord, RunStatus, WorkflowContext } from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { keysUnder } from '../../support/namespace.js';

const DAY_MS = 86_400_000;
const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

/** All pages, each with its size. */
async function pagesOf(engine: Engine, filter: RunFilter): Promise<{ ids: string[]; sizes: number[] }> {
  const ids: string[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.client.listRuns({ ...filter, cursor });
    ids.push(...page.items.map(({ id }) => id));
    sizes.push(page.items.length);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { ids, sizes };
}

describe('listRuns()', () => {
  it('is empty for an empty namespace', async () => {
    const engine = await startEngine({ worker: false });
    expect(await engine.client.listRuns()).toEqual({ items: [] });
  });

  it('gives pages of 50, newest first', async () => {
    const engine = await startEngine({ worker: false });
    const created: string[] = [];
    for (let i = 0; i < 120; i++) created.push((await engine.client.run(echo, i)).id);
    const { ids, sizes } = await pagesOf(engine, {});
    expect(ids).toEqual([...created].reverse());
    expect(sizes.slice(0, 3)).toEqual([50, 50, 20]);
  });

  it('gives pages of the size asked for, oldest first', async () => {
    const engine = await startEngine({ worker: false });
    const created = (
      await engine.client.runMany<unknown, unknown>(
        echo,
        Array.from({ length: 10 }, (_, i) => ({ input: i })),
      )
    ).map(({ id }) => id);
    expect(await pagesOf(engine, { sort: 'asc', limit: 4 })).toEqual({ ids: created, sizes: [4, 4, 2] });
    expect((await pagesOf(engine, { sort: 'desc', limit: 1_000 })).ids).toEqual([...created].reverse());
    expect((await pagesOf(engine, { limit: 5 })).ids).toHaveLength(10);
  });

  it('neither repeats nor leaves out a run while others are created', async () => {
    const engine = await startEngine({ worker: false });
    const create = async (runId: string) => (await engine.client.run(echo, 1, { runId })).id;
    for (const id of ['a', 'b', 'c']) await create(id);
    const first = await engine.client.listRuns({ limit: 2 });
    await create('d');
    const second = await engine.client.listRuns({ limit: 2, cursor: first.cursor });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('filters by status, workflow and queue', async () => {
    const failing = workflow('failing', () => Promise.reject(new Error('no')), { maxAttempts: 1 });
    const sleeping = workflow('sleeping', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '1d'));
    const engine = await startEngine({ workflows: [echo, failing, sleeping] });
    await (await engine.client.run(echo, 1, { runId: 'ok' })).result();
    await rejection((await engine.client.run(failing, 1, { runId: 'bad' })).result());
    await engine.client.run(sleeping, 1, { runId: 'asleep' });
    await engine.until('asleep', 'waiting');
    await engine.client.run(echo, 1, { runId: 'later', runAt: '1d' });
    await engine.client.run(echo, 1, { runId: 'elsewhere', queue: 'elsewhere' });
    const idsOf = async (filter: RunFilter) => (await pagesOf(engine, filter)).ids.sort();
    expect(await idsOf({ status: 'succeeded' })).toEqual(['ok']);
    expect(await idsOf({ status: ['failed', 'waiting'] })).toEqual(['asleep', 'bad']);
    expect(await idsOf({ status: 'scheduled' })).toEqual(['later']);
    expect(await idsOf({ status: 'queued' })).toEqual(['elsewhere']);
    expect(await idsOf({ status: 'running' })).toEqual([]);
    expect(await idsOf({ workflow: 'echo' })).toEqual(['elsewhere', 'later', 'ok']);
    expect(await idsOf({ workflow: 'echo', status: 'succeeded', queue: 'default' })).toEqual(['ok']);
    expect(await idsOf({ queue: 'elsewhere' })).toEqual(['elsewhere']);
    expect(await idsOf({ workflow: 'nobody' })).toEqual([]);
  });

  it('gives the records that getRun() gives', async () => {
    const engine = await startEngine({ workflows: [echo] });
    await (await engine.client.run(echo, { a: 1 }, { tags: { b: 'c' } })).result();
    const [listed] = (await engine.client.listRuns()).items;
    expect(listed).toEqual(await engine.client.getRun(listed.id));
  });
});

describe('retention', () => {
  it('deletes ended runs after 30 days, and nothing else', async () => {
    const sleeping = workflow('sleeping', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '90d'));
    const failing = workflow('failing', () => Promise.reject(new Error('no')), { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [echo, sleeping, failing] });
    const ended = [await engine.client.run(echo, 1), await engine.client.run(failing, 1)];
    await Promise.allSettled(ended.map((handle) => handle.result()));
    const asleep = await engine.client.run(sleeping, 1);
    await engine.until(asleep.id, 'waiting');
    await engine.advance(30 * DAY_MS - 60_000);
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 0 });
    await engine.advance(60_000);
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 2 });
    for (const { id } of ended) {
      expect(await engine.client.getRun(id)).toBeNull();
      expect((await keysUnder(engine.prefix)).filter((key) => key.includes(id))).toEqual([]);
    }
    expect((await engine.client.listRuns()).items.map(({ id }) => id)).toEqual([asleep.id]);
  });

  it('is done by workers, without being asked', async () => {
    const engine = await startEngine({ workflows: [echo], worker: { retention: '1d', historyCleanupIntervalMs: 20 } });
    const handle = await engine.client.run(echo, 1);
    await handle.result();
    await engine.advance(DAY_MS);
    await eventually(async () => (await engine.client.getRun(handle.id)) === null);
  });

  it('goes on in batches, up to the limit', async () => {
    const engine = await startEngine({ workflows: [echo], client: { retention: '1d' } });
    const handles = await engine.client.runMany<unknown, unknown>(
      echo,
      Array.from({ length: 450 }, (_, i) => ({ input: i })),
    );
    await Promise.all(handles.map((handle) => handle.result()));
    await engine.advance(DAY_MS);
    expect(await engine.client.cleanupExpiredRunsNow({ limit: 30 })).toEqual({ deleted: 30 });
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 420 });
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 0 });
  });
});

describe('getRunAttempts()', () => {
  it('tells every pass: failed, parked, succeeded', async () => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('nap', '1h');
      if (ctx.run.attempt === 1) throw new Error('boom');
    };
    const flow = workflow('flow', handler, { retries: { delay: '2h' } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const until = (check: (run: RunRecord) => boolean, status: RunStatus) =>
      eventually(async () => {
        const run = await handle.getState();
        return run.status === status && check(run);
      });
    await until(({ attempt }) => attempt === 1, 'waiting');
    await engine.advance(3_600_000);
    await until(({ attempt }) => attempt === 2, 'waiting');
    await engine.advance(7_200_000);
    await handle.result();
    const passes = await engine.client.getRunAttempts(handle.id);
    const workerId = engine.worker.id;
    expect(passes).toMatchObject([
      { attempt: 1, workerId, outcome: 'parked' },
      { attempt: 1, workerId, outcome: 'failed', error: { name: 'Error', message: 'boom' } },
      { attempt: 2, workerId, outcome: 'succeeded' },
    ]);
    const times = passes.flatMap(({ startedAt, finishedAt = Number.NaN }) => [startedAt, finishedAt]);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it.each(['succeeded', 'failed'])('tells the only pass of a run that %s at once', async (outcome) => {
    const flow = workflow('flow', () => (outcome === 'failed' ? Promise.reject(new Error('no')) : 1), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result().catch(() => undefined);
    const { startedAt, finishedAt, error } = await handle.getState();
    const pass = { attempt: 1, workerId: engine.worker.id, startedAt, finishedAt, outcome };
    expect(await engine.client.getRunAttempts(handle.id)).toEqual([error ? { ...pass, error } : pass]);
  });

  it('is empty before the first pass', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 1);
    expect(await engine.client.getRunAttempts(handle.id)).toEqual([]);
  });
});
