import { describe, expect, it } from '@jest/globals';
import type { RunRecord, RunStatus } from '../../../lib/engine/core/api/run.types.js';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { listRuns, type RunPageRequest } from '../../../lib/engine/redis/queries/list-runs.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { promoteDue } from '../../../lib/engine/redis/runs/promote-due.js';
import { RUN_STATUSES } from '../../../lib/engine/redis/runs/run-status.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const request = (overrides: Partial<RunPageRequest> = {}): RunPageRequest => ({
  sort: 'desc',
  limit: 50,
  statuses: [],
  ...overrides,
});

const ids = (items: readonly RunRecord[]): string[] => items.map(({ id }) => id);

/** All pages, one after the other. */
async function pages(room: EngineRoom, overrides: Partial<RunPageRequest>): Promise<string[][]> {
  const seen: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await room.send(listRuns(request({ ...overrides, cursor })));
    seen.push(ids(page.items));
    ({ cursor } = page);
  } while (cursor !== undefined && seen.length < 50);
  return seen;
}

/** The same operation, looking at fewer runs per call. */
function scanning<T>(op: Op<T>, scan: number): Op<T> {
  return { ...op, args: op.args.with(3, scan) };
}

describe('listRuns()', () => {
  it('lists nothing where there is nothing', async () => {
    const room = openEngineRoom();
    expect(await room.send(listRuns(request()))).toEqual({ items: [] });
  });

  it('lists runs with their payloads', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '{"a":1}', tags: { team: 'blue' } });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '[2]'));
    const { items } = await room.send(listRuns(request()));
    expect(items).toMatchObject([{ id: 'r1', status: 'succeeded', input: { a: 1 }, output: [2], tags: { team: 'blue' } }]);
  });

  it('sorts by creation, in both directions', async () => {
    const room = openEngineRoom();
    await room.createAll('b', 'a', 'c');
    expect(ids((await room.send(listRuns(request()))).items)).toEqual(['c', 'a', 'b']);
    expect(ids((await room.send(listRuns(request({ sort: 'asc' })))).items)).toEqual(['b', 'a', 'c']);
  });

  it('gives every run on exactly one page, in order, and no cursor with the last', async () => {
    const room = openEngineRoom();
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    await room.createAll(...all);
    expect(await pages(room, { sort: 'asc', limit: 3 })).toEqual([['a', 'b', 'c'], ['d', 'e', 'f'], ['g']]);
    expect(await pages(room, { sort: 'desc', limit: 3 })).toEqual([['g', 'f', 'e'], ['d', 'c', 'b'], ['a']]);
    expect(await pages(room, { sort: 'asc', limit: 7 })).toEqual([all]);
  });

  it('does not repeat or skip when runs are created between two pages', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c');
    const first = await room.send(listRuns(request({ limit: 2 })));
    await room.createAll('new');
    const second = await room.send(listRuns(request({ limit: 2, cursor: first.cursor })));
    expect([...ids(first.items), ...ids(second.items)]).toEqual(['c', 'b', 'a']);
  });

  it('filters by status, workflow and queue, together', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'running' });
    await room.create({ id: 'queued' });
    await room.create({ id: 'scheduled', start: { delayMs: 60_000 } });
    await room.create({ id: 'other-workflow', workflow: 'charge' });
    await room.create({ id: 'other-queue', queue: 'slow' });
    const list = async (overrides: Partial<RunPageRequest>) =>
      ids((await room.send(listRuns(request({ sort: 'asc', ...overrides })))).items);
    expect(await list({ statuses: ['running'] })).toEqual(['running']);
    expect(await list({ statuses: ['running', 'scheduled'] })).toEqual(['running', 'scheduled']);
    expect(await list({ workflow: 'charge' })).toEqual(['other-workflow']);
    expect(await list({ queue: 'slow' })).toEqual(['other-queue']);
    expect(await list({ queue: 'default', workflow: 'greet', statuses: ['queued'] })).toEqual(['queued']);
    expect(await list({ queue: 'slow', workflow: 'charge' })).toEqual([]);
    expect(await list({ workflow: 'gre' })).toEqual([]);
  });

  it('merges the lists that a filter matches, whatever lies between', async () => {
    const room = openEngineRoom();
    for (let index = 0; index < 40; index++) {
      await room.create({ id: `r${index}`, queue: index % 9 === 8 ? 'rare' : `q${index % 4}`, workflow: `w${index % 3}` });
    }
    const rare = ['r8', 'r17', 'r26', 'r35'];
    const op = scanning(listRuns(request({ sort: 'asc', queue: 'rare' })), 4);
    expect(await room.send(op)).toMatchObject({ items: rare.map((id) => ({ id })) });
    const all = Array.from({ length: 40 }, (_, index) => `r${index}`);
    expect((await pages(room, { sort: 'asc', limit: 7 })).flat()).toEqual(all);
    expect((await pages(room, { sort: 'desc', limit: 7 })).flat()).toEqual([...all].reverse());
    const ofWorkflow = all.filter((_, index) => index % 3 === 1);
    expect((await pages(room, { sort: 'asc', limit: 3, workflow: 'w1' })).flat()).toEqual(ofWorkflow);
  });

  it('looks at a bounded number of runs per call', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd', 'e');
    const page = await room.send(scanning(listRuns(request({ sort: 'asc' })), 2));
    expect(ids(page.items)).toEqual(['a', 'b']);
    expect(page.cursor).toBeDefined();
  });

  it('filters by the time of creation, both ends included', async () => {
    const room = openEngineRoom();
    const times: number[] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      await room.create({ id });
      times.push((await room.send(readRun(id)))?.createdAt as number);
      await room.advance(1_000);
    }
    const [, second, third] = times;
    const list = async (overrides: Partial<RunPageRequest>) => (await pages(room, { limit: 1, ...overrides })).flat();
    expect(await list({ createdAfter: second })).toEqual(['d', 'c', 'b']);
    expect(await list({ createdAfter: second + 1 })).toEqual(['d', 'c']);
    expect(await list({ createdBefore: third })).toEqual(['c', 'b', 'a']);
    expect(await list({ createdBefore: third - 1, sort: 'asc' })).toEqual(['a', 'b']);
    expect(await list({ createdAfter: second, createdBefore: third, sort: 'asc' })).toEqual(['b', 'c']);
  });

  it('finds running runs with the workers that execute them, in the order of all others', async () => {
    const room = openEngineRoom();
    await room.register('w1');
    await room.register('w2');
    await room.createAll('r0', 'r1', 'r2', 'r3');
    await room.claim('w1', { want: 1 });
    await room.claim('w2', { want: 2 });
    await room.create({ id: 's4', start: { delayMs: 60_000 } });
    await room.create({ id: 'r5', workflow: 'charge' });
    expect(await room.claim('w1', { want: 2 })).toHaveLength(2);
    await room.create({ id: 'q6' });
    const list = async (overrides: Partial<RunPageRequest>) => (await pages(room, { limit: 2, ...overrides })).flat();
    expect(await list({ statuses: ['running'] })).toEqual(['r5', 'r3', 'r2', 'r1', 'r0']);
    expect(await list({ statuses: ['running', 'scheduled'], sort: 'asc' })).toEqual(['r0', 'r1', 'r2', 'r3', 's4', 'r5']);
    expect(await list({ statuses: ['running'], workflow: 'charge' })).toEqual(['r5']);
    expect(await list({ statuses: ['queued'] })).toEqual(['q6']);
    expect(await list({ statuses: ['queued', 'running'] })).toEqual(['q6', 'r5', 'r3', 'r2', 'r1', 'r0']);
  });

  it('keeps a run in one list when one call changes its status twice', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const fence = room.fenceOf('r1');
    // Running, waiting, running again: it comes back to the list that it left.
    await room.runner.run([
      backOffRun({ runId: 'r1', fence, delayMs: 0, error: '{}' }),
      room.claimOp(),
      createRun(room.newRun({ id: 'r2' })),
      cancelRun({ runId: 'r2', reason: '', compensate: true, nonce: 'n' }),
    ]);
    expect(await room.field('r1', 'st')).toBe('r');
    const listed = async (status: RunStatus) => ids((await room.send(listRuns(request({ statuses: [status] })))).items);
    expect(await Promise.all(RUN_STATUSES.map(listed))).toEqual(
      RUN_STATUSES.map((status) => ({ running: ['r1'], canceled: ['r2'] })[status as string] ?? []),
    );
  });

  it('follows a run from status to status', async () => {
    const room = openEngineRoom();
    const statusOfR1 = async () => {
      const found: string[] = [];
      for (const status of RUN_STATUSES) {
        const { items } = await room.send(listRuns(request({ statuses: [status] })));
        if (items.length > 0) found.push(`${status} ${ids(items)}`);
      }
      return found;
    };
    await room.register();
    await room.create({ id: 'r1', start: { delayMs: 1_000 } });
    expect(await statusOfR1()).toEqual(['scheduled r1']);
    await room.advance(1_000);
    await room.send(promoteDue(10));
    expect(await statusOfR1()).toEqual(['queued r1']);
    await room.claim();
    expect(await statusOfR1()).toEqual(['running r1']);
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 1_000, error: '{}' }));
    expect(await statusOfR1()).toEqual(['waiting r1']);
    await room.advance(1_000);
    await room.claim();
    expect(await statusOfR1()).toEqual(['running r1']);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await statusOfR1()).toEqual(['succeeded r1']);
  });

  it('goes on after a page that was full where the look ended', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c', 'd');
    const page = await room.send(scanning(listRuns(request({ sort: 'asc', limit: 2 })), 2));
    expect(ids(page.items)).toEqual(['a', 'b']);
    expect(ids((await room.send(listRuns(request({ sort: 'asc', cursor: page.cursor })))).items)).toEqual(['c', 'd']);
  });

  it('passes over entries whose run is gone', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'gone', 'b');
    await room.redis.del(room.keys.run('gone'));
    expect(await pages(room, { sort: 'asc', limit: 1 })).toEqual([['a'], ['b']]);
  });

  it('repeated, answers the same and writes nothing', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b');
    const op = listRuns(request({ limit: 1 }));
    expect(await room.repeat(op)).toEqual(await room.send(op));
  });
});
