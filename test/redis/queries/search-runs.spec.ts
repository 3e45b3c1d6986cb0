import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { type SearchPlace, type SearchRequest, searchRuns } from '../../../lib/engine/redis/queries/search-runs.js';
import { packRuns } from '../../../lib/engine/redis/retention/pack-runs.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

type Query = Partial<SearchRequest> & { text: string };

async function page(room: EngineRoom, query: Query, scan = 1_000): Promise<{ ids: string[]; next?: SearchPlace }> {
  const op = searchRuns({ sort: 'asc', limit: 50, statuses: [], ...query });
  const { items, next } = await room.send({ ...op, args: op.args.with(5, scan) });
  return { ids: items.map(({ id }) => id), next };
}

async function pages(room: EngineRoom, query: Query, scan?: number): Promise<string[][]> {
  const found: string[][] = [];
  let place: SearchPlace | undefined;
  do {
    const { ids, next } = await page(room, { ...query, place }, scan);
    found.push(ids);
    place = next;
  } while (place);
  return found;
}

const search = async (room: EngineRoom, query: Query) => (await page(room, query)).ids;

/** Runs that meet 'ab' in every way there is, and some that do not. */
async function mixedRoom(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.create({ id: 'w2', workflow: 'abc' });
  await room.create({ id: 'w1', workflow: 'ab' });
  await room.create({ id: 't1', tags: { team: 'abz', other: 'x' } });
  await room.create({ id: 't2', tags: { team: 'ab' } });
  await room.create({ id: 'k2', idempotencyKey: 'ab-2' });
  await room.create({ id: 'k1', idempotencyKey: 'ab-1' });
  await room.create({ id: 'ab9' });
  await room.create({ id: 'ab' });
  await room.create({ id: 'xab', workflow: 'xab', tags: { ab: 'xab' }, idempotencyKey: 'xab' });
  await room.create({ id: 'a', workflow: 'a', tags: { ab: 'a' } });
  return room;
}

describe('searchRuns()', () => {
  it('finds nothing where there is nothing', async () => {
    expect(await page(openEngineRoom(), { text: 'a' })).toEqual({ ids: [] });
  });

  it('finds by id, idempotency key, tag value and workflow, in this order, inside each by its text', async () => {
    const room = await mixedRoom();
    expect(await search(room, { text: 'ab' })).toEqual(['ab', 'ab9', 'k1', 'k2', 't2', 't1', 'w2', 'w1']);
    expect(await search(room, { text: 'ab', sort: 'desc' })).toEqual(['ab9', 'ab', 'k2', 'k1', 't1', 't2', 'w1', 'w2']);
    expect(await search(room, { text: 'abz' })).toEqual(['t1']);
    expect(await search(room, { text: 'b' })).toEqual([]);
  });

  it('answers of a packed run what its record shows, not the pieces into which it is packed', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'ab', input: '{"a":1}' });
    await room.send(finishRun('ab', room.fenceOf('ab'), 'succeeded', '1'));
    await room.send(packRuns(10));
    expect(await room.field('ab', 'z')).not.toBeNull();
    const op = searchRuns({ text: 'ab', sort: 'asc', limit: 1, statuses: [] });
    expect((await room.send(op)).items).toMatchObject([{ id: 'ab', input: { a: 1 }, output: 1 }]);
    const [, , [, fields]] = await room.send({ ...op, parse: (reply) => reply as [string, string, [string, string[]]] });
    expect(fields.filter((_, index) => index % 2 === 0 && /^\d+$/.test(fields[index]))).toEqual([]);
  });

  it.each(['asc', 'desc'] as const)('gives every run on exactly one page, %s, whatever the size of the pages', async (sort) => {
    const room = await mixedRoom();
    const all = await search(room, { text: 'ab', sort });
    for (const limit of [1, 2, 3, 8]) {
      const found = await pages(room, { text: 'ab', sort, limit });
      expect(found.flat()).toEqual(all);
      expect(found).toHaveLength(Math.ceil(8 / limit));
    }
    expect((await pages(room, { text: 'ab', sort }, 1)).flat()).toEqual(all);
    expect((await pages(room, { text: 'ab', sort, limit: 3 }, 2)).flat()).toEqual(all);
  });

  it('shows a run that matches in several ways once, where it is met first', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'ab1', workflow: 'ab', idempotencyKey: 'ab', tags: { x: 'ab' } });
    await room.create({ id: 'r2', workflow: 'ab', idempotencyKey: 'ab', tags: { x: 'ab' }, queue: 'other' });
    await room.create({ id: 'r3', workflow: 'abb', idempotencyKey: 'ab', tags: { x: 'ab' } });
    await room.create({ id: 'r4', workflow: 'ab', tags: { x: 'abz', y: 'ab', z: 'ab', w: 'no' } });
    await room.create({ id: 'r5', workflow: 'ab', tags: { x: 'aba' } });
    await room.create({ id: 'r6', workflow: 'ab' });
    for (const limit of [1, 2, 10]) {
      expect((await pages(room, { text: 'ab', limit })).flat()).toEqual(['ab1', 'r3', 'r4', 'r5', 'r6']);
      expect((await pages(room, { text: 'ab', limit, sort: 'desc' })).flat()).toEqual(['ab1', 'r3', 'r4', 'r5', 'r6']);
    }
  });

  it('compares bytes, whatever the text', async () => {
    const room = openEngineRoom();
    const ids = ['B', 'Z', 'a', 'b', 'É', 'é', 'ß', '中', '😀', '{x}', '*', ':', '\u{10ffff}'];
    for (const id of ids) await room.create({ id: `n${id}`, tags: { v: `v${id}`, w: `v${id}\0` } });
    const inBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const expected = inBytes.map((id) => `n${id}`);
    expect(await search(room, { text: 'n' })).toEqual(expected);
    expect((await pages(room, { text: 'v', limit: 2 })).flat()).toEqual(expected);
    expect((await pages(room, { text: 'v', limit: 2, sort: 'desc' })).flat()).toEqual([...expected].reverse());
    for (const id of ids) expect(await search(room, { text: `n${id}` })).toEqual([`n${id}`]);
    expect(await search(room, { text: 'vé\0' })).toEqual(['né']);
  });

  it('takes keys and values with separators for what they are', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1', idempotencyKey: 'k\0r2', tags: { v: 't\0r2' } });
    await room.create({ id: 'r2', idempotencyKey: 'k', tags: { v: 't' } });
    expect(await search(room, { text: 'k' })).toEqual(['r2', 'r1']);
    expect(await search(room, { text: 't\0' })).toEqual(['r1']);
    expect(await search(room, { text: 't' })).toEqual(['r2', 'r1']);
  });

  it('combines with all filters', async () => {
    const room = await mixedRoom();
    await room.register();
    await room.claim('w1', { want: 1 });
    await room.send(cancelRun({ runId: 'k2', reason: '', compensate: true, nonce: '' }));
    await room.advance(10_000);
    await room.create({ id: 'ab-late', queue: 'slow' });
    expect(await search(room, { text: 'ab', statuses: ['running'] })).toEqual(['w2']);
    expect(await search(room, { text: 'ab', statuses: ['running', 'canceled'] })).toEqual(['k2', 'w2']);
    expect(await search(room, { text: 'ab', statuses: ['scheduled'] })).toEqual([]);
    expect(await search(room, { text: 'ab', workflow: 'abc' })).toEqual(['w2']);
    expect(await search(room, { text: 'ab', queue: 'slow' })).toEqual(['ab-late']);
    expect(await search(room, { text: 'ab', tags: { other: 'x' } })).toEqual(['t1']);
    expect(await search(room, { text: 'ab', parentRunId: 'w1' })).toEqual([]);
    const since = (await room.now()) - 5_000;
    expect(await search(room, { text: 'ab', createdAfter: since })).toEqual(['ab-late']);
    expect(await search(room, { text: 'ab', createdBefore: since })).toHaveLength(8);
  });

  it('looks at a bounded number of runs per call', async () => {
    const room = openEngineRoom();
    for (let index = 0; index < 250; index++)
      await room.create({ id: `r${index}`, tags: index === 249 ? { last: 'yes' } : undefined });
    const first = await page(room, { text: 'r', tags: { last: 'yes' } }, 100);
    expect(first.ids).toEqual([]);
    expect(first.next).toMatchObject({ kind: 'i' });
    expect((await pages(room, { text: 'r', tags: { last: 'yes' } }, 100)).flat()).toEqual(['r249']);
    expect((await pages(room, { text: 'r', limit: 120 })).map(({ length }) => length)).toEqual([120, 120, 10]);
  });

  it('passes over entries whose run is gone, and leaves none when runs are deleted', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'ab1', idempotencyKey: 'ab', tags: { x: 'ab', empty: '' }, workflow: 'ab' });
    await room.createAll('ab0', 'ab2');
    await room.send(finishRun('ab1', room.fenceOf('ab1'), 'succeeded', ''));
    await room.redis.del(room.keys.run('ab0'));
    expect((await pages(room, { text: 'ab', limit: 1 })).flat()).toEqual(['ab1', 'ab2']);
    await room.advance(10_000);
    await room.send(sweepHistory(1, 10));
    expect(await search(room, { text: 'ab' })).toEqual(['ab2']);
    const contents = await room.contents();
    expect(Object.keys(contents).filter((key) => key.startsWith('search:'))).toEqual(['search:ids']);
  });

  it('finds runs that were created in the same call, and once whatever is repeated', async () => {
    const room = openEngineRoom();
    const run = room.newRun({ id: 'ab', idempotencyKey: 'k', nonce: 'n' });
    await room.runner.run([createRun(run), createRun(run), searchRuns({ text: 'a', sort: 'asc', limit: 5, statuses: [] })]);
    expect(await search(room, { text: 'a' })).toEqual(['ab']);
    const op = searchRuns({ text: 'a', sort: 'asc', limit: 5, statuses: [] });
    expect(await room.repeat(op)).toEqual(await room.send(op));
  });
});
