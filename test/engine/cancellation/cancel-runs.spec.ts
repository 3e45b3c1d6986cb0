import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, type RunFilter, type RunRecord } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';

const flow = workflow('flow', () => 1);

const ids = (runs: readonly RunRecord[]) => runs.map(({ id }) => id);

describe('cancelRuns()', () => {
  it('cancels what matches all criteria, with the reason, and counts it', async () => {
    const { client } = await startEngine({ worker: false });
    await client.runMany(flow, [
      { input: 1, runId: 'blue', tags: { team: 'blue' } },
      { input: 2, runId: 'red', tags: { team: 'red' } },
      { input: 3, runId: 'blue-mail', tags: { team: 'blue' }, queue: 'mail' },
      { input: 4, runId: 'blue-later', tags: { team: 'blue' }, runAt: '1d' },
    ]);
    expect(await client.cancelRuns({ tag: { team: 'blue' }, queue: 'default' }, { reason: 'recalled' })).toEqual({ canceled: 2 });
    expect(await client.getRun('blue')).toMatchObject({ status: 'canceled', cancelReason: 'recalled' });
    expect(await client.getRun('blue-later')).toMatchObject({ status: 'canceled' });
    expect(ids((await client.listRuns({ status: ['queued', 'scheduled'], sort: 'asc' })).items)).toEqual(['red', 'blue-mail']);
    expect(await client.cancelRuns({ tag: { team: 'blue' }, queue: 'default' })).toEqual({ canceled: 0 });
    expect(await client.cancelRuns({ status: 'scheduled' })).toEqual({ canceled: 0 });
  });

  it('goes through many runs, page by page', async () => {
    const engine = await startEngine({ worker: false });
    const items = Array.from({ length: 2_500 }, (_, input) => ({ input, tags: input % 2 === 0 ? { half: 'even' } : undefined }));
    await engine.client.runMany(flow, items);
    expect(await engine.client.cancelRuns({ workflow: 'flow', tag: { half: 'even' } })).toEqual({ canceled: 1_250 });
    expect((await engine.client.getStats()).runs).toMatchObject({ queued: 1_250, canceled: 1_250 });
    expect(await engine.client.cancelRuns({ createdAfter: 0 })).toEqual({ canceled: 1_250 });
  });

  it('ends running and waiting runs as cancelRun() does, with their descendants', async () => {
    const started = gate();
    const reasons: unknown[] = [];
    const leaf = workflow('leaf', (ctx) => ctx.step.waitFor('long', '1d'));
    const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('leaf', leaf, undefined));
    const busy = workflow('busy', (ctx) =>
      ctx.step.run('work', ({ signal }) => {
        started.open();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason.reason);
            reject(signal.reason);
          }),
        );
      }),
    );
    const engine = await startEngine({ workflows: [leaf, parent, busy] });
    const waiting = await engine.client.run(parent, undefined);
    const running = await engine.client.run(busy, undefined);
    await started.promise;
    await engine.until(waiting.id, 'waiting');
    const [child] = (await engine.client.listRuns({ parentRunId: waiting.id })).items;
    await engine.until(child.id, 'waiting');
    const { canceled } = await engine.client.cancelRuns(
      { status: ['running', 'waiting'], queue: 'default' },
      { reason: 'closing' },
    );
    // The child is hit first, being newer. Its end may wake the parent, which then is neither waiting nor running.
    expect(canceled).toBeGreaterThanOrEqual(2);
    await engine.until(running.id, 'canceled');
    expect(reasons).toEqual(['closing']);
    expect((await engine.until(child.id, 'canceled')).cancelReason).toBe('closing');
  });

  it('cancels the descendants of what matches', async () => {
    const leaf = workflow('leaf', (ctx) => ctx.step.waitFor('long', '1d'));
    const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('leaf', leaf, undefined));
    const engine = await startEngine({ workflows: [leaf, parent] });
    const handles = await engine.client.runMany(parent, [{ input: undefined }, { input: undefined }]);
    for (const { id } of handles) await engine.until(id, 'waiting');
    expect(await engine.client.cancelRuns({ workflow: 'parent' })).toEqual({ canceled: 2 });
    const { items } = await engine.client.listRuns({ workflow: 'leaf' });
    expect(items.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
  });

  it('counts each run once when two calls meet', async () => {
    const engine = await startEngine({ worker: false });
    await engine.client.runMany(
      flow,
      Array.from({ length: 600 }, (_, input) => ({ input })),
    );
    const other = engine.anotherClient();
    const counts = await Promise.all([engine.client, other].map((client) => client.cancelRuns({ workflow: 'flow' })));
    expect(counts[0].canceled + counts[1].canceled).toBe(600);
  });

  it.each<[string, string, object]>([
    ['filter', 'an empty filter', {}],
    ['filter', 'an empty tag', { tag: {} }],
    ['filter', 'no statuses', { status: [] }],
    ['status', 'a terminal status', { status: ['queued', 'failed'] }],
    ['status', 'an unknown status', { status: 'done' }],
    ['limit', 'a limit', { workflow: 'flow', limit: 5 }],
    ['sort', 'an order', { workflow: 'flow', sort: 'asc' }],
    ['cursor', 'a cursor', { workflow: 'flow', cursor: '1' }],
    ['workflow', 'a wrong name', { workflow: 5 }],
    ['text', 'a text', { workflow: 'flow', text: 'x' }],
  ])('refuses with the option %s: %s', async (option, _what, filter) => {
    const { client } = await startEngine({ worker: false });
    await client.run(flow, 1);
    const error = await rejection(client.cancelRuns(filter as RunFilter));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
    expect((await client.getStats()).runs).toMatchObject({ queued: 1, canceled: 0 });
  });

  it('refuses a wrong reason, and says how to cancel everything', async () => {
    const { client } = await startEngine({ worker: false });
    expect(await rejection(client.cancelRuns({ workflow: 'flow' }, { reason: 5 as never }))).toMatchObject({ option: 'reason' });
    const { message } = await rejection(client.cancelRuns({}));
    expect(message).toContain("To cancel all runs use { status: ['scheduled', 'queued', 'running', 'waiting'] }");
  });
});
