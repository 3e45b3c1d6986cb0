import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { listRuns, type RunPageRequest } from '../../../lib/engine/redis/queries/list-runs.js';
import { sweepHistory } from '../../../lib/engine/redis/retention/sweep-history.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

type Filter = Partial<RunPageRequest>;

/** One page; `scan` is how many runs it may look at. */
async function page(room: EngineRoom, filter: Filter, scan = 1_000): Promise<{ ids: string[]; cursor?: string }> {
  const op = listRuns({ sort: 'asc', limit: 50, statuses: [], ...filter });
  const { items, cursor } = await room.send({ ...op, args: op.args.with(3, scan) });
  return { ids: items.map(({ id }) => id), cursor };
}

async function allIds(room: EngineRoom, filter: Filter, scan?: number): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const next = await page(room, { ...filter, cursor }, scan);
    found.push(...next.ids);
    ({ cursor } = next);
  } while (cursor !== undefined);
  return found;
}

async function spawn(room: EngineRoom, parent: string, child: string, idempotencyKey?: string): Promise<void> {
  const start = { runId: parent, fence: room.fenceOf(parent), step: child, waits: false, order: 1 };
  await room.send(startChild({ ...start, child: room.newRun({ id: child, idempotencyKey }) }));
}

const indexKeys = async (room: EngineRoom) =>
  Object.keys(await room.contents()).filter((key) => key.startsWith('tagged:') || key.startsWith('children:'));

describe('listRuns() by tag', () => {
  it('finds the runs that have all of the tags, in both directions', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'a', tags: { team: 'blue', region: 'eu' } });
    await room.create({ id: 'b', tags: { team: 'red', region: 'eu' } });
    await room.create({ id: 'c', tags: { team: 'blue', region: 'us' } });
    await room.create({ id: 'd', tags: { team: 'blue', region: 'eu' } });
    await room.create({ id: 'e' });
    expect((await page(room, { tags: { team: 'blue' } })).ids).toEqual(['a', 'c', 'd']);
    expect((await page(room, { tags: { team: 'blue' }, sort: 'desc' })).ids).toEqual(['d', 'c', 'a']);
    expect(await allIds(room, { tags: { team: 'blue', region: 'eu' }, limit: 1 })).toEqual(['a', 'd']);
    expect((await page(room, { tags: { team: 'green' } })).ids).toEqual([]);
    expect((await page(room, { tags: { region: 'blue' } })).ids).toEqual([]);
  });

  it('keeps apart what differs only in a separator, in Unicode or in length', async () => {
    const room = openEngineRoom();
    const tags: Array<[string, string]> = [
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', ':b:c'],
      ['a:', 'b:c'],
      ['ab', ''],
      ['a', 'b'],
      ['{x}', '*'],
      ['{x}*', ''],
      ['{x', '}*'],
      ['é', 'e'],
      ['e\u0301', 'e'],
      ['1:a', 'b'],
      ['nul', 'a\0b'],
      ['nul', 'a'],
      ['quote', '"\\n'],
      ['quote', '"\n'],
    ];
    for (const [index, [name, value]] of tags.entries()) await room.create({ id: `r${index}`, tags: { [name]: value } });
    for (const [index, [name, value]] of tags.entries()) {
      expect((await page(room, { tags: { [name]: value } })).ids).toEqual([`r${index}`]);
    }
  });

  it('combines with status, workflow, queue and time', async () => {
    const room = openEngineRoom();
    const tags = { team: 'blue' };
    await room.running({ id: 'running', tags });
    await room.create({ id: 'queued', tags });
    await room.create({ id: 'other', tags, workflow: 'charge', queue: 'slow' });
    await room.create({ id: 'canceled', tags });
    await room.send(cancelRun({ runId: 'canceled', reason: '', compensate: true, nonce: '' }));
    await room.advance(10_000);
    await room.create({ id: 'late', tags });
    await room.create({ id: 'untagged' });
    const list = async (filter: Filter) => (await page(room, { tags, ...filter })).ids;
    expect(await list({ statuses: ['queued'] })).toEqual(['queued', 'other', 'late']);
    expect(await list({ statuses: ['running'] })).toEqual(['running']);
    expect(await list({ statuses: ['running', 'canceled'] })).toEqual(['running', 'canceled']);
    expect(await list({ workflow: 'charge' })).toEqual(['other']);
    expect(await list({ queue: 'slow' })).toEqual(['other']);
    expect(await list({ createdAfter: (await room.now()) - 5_000 })).toEqual(['late']);
    expect(await list({ createdBefore: (await room.now()) - 5_000, statuses: ['queued'] })).toEqual(['queued', 'other']);
  });

  it('walks the smallest of what could hold them, and a bounded part of it per call', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'rare', tags: { all: 'yes', kind: 'rare' } });
    for (let index = 0; index < 30; index++) await room.create({ id: `r${index}`, tags: { all: 'yes' } });
    await room.create({ id: 'other', tags: { all: 'yes' }, workflow: 'charge' });
    expect(await page(room, { sort: 'desc', tags: { all: 'yes', kind: 'rare' } }, 1)).toEqual({ ids: ['rare'] });
    expect(await page(room, { tags: { all: 'yes' }, workflow: 'charge' }, 1)).toEqual({ ids: ['other'] });
    expect(await page(room, { tags: { all: 'yes' }, workflow: 'greet' }, 4)).toMatchObject({ ids: ['rare', 'r0', 'r1', 'r2'] });
    await room.create({ id: 'rare-too', tags: { kind: 'rare' } });
    const found = await page(room, { sort: 'desc', tags: { all: 'yes', kind: 'rare' } }, 1);
    expect(found.ids).toEqual([]);
    expect(found.cursor).toBeDefined();
    expect(await allIds(room, { tags: { all: 'yes', kind: 'rare' } }, 1)).toEqual(['rare']);
  });

  it('costs runs without tags nothing, and leaves nothing when the runs are deleted', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'plain' });
    expect(await indexKeys(room)).toEqual([]);
    await room.create({ id: 'tagged', tags: { team: 'blue', region: 'eu' } });
    await room.create({ id: 'kept', tags: { region: 'eu' } });
    await room.send(cancelRun({ runId: 'tagged', reason: '', compensate: true, nonce: '' }));
    await room.advance(10_000);
    await room.send(sweepHistory(1, 10));
    expect((await page(room, {})).ids).toEqual(['plain', 'kept']);
    expect(await indexKeys(room)).toEqual(['tagged:6:regioneu']);
    expect((await page(room, { tags: { region: 'eu' } })).ids).toEqual(['kept']);
  });
});

describe('listRuns() by parent', () => {
  it('finds the runs that steps of a run have started, in their order', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'older', idempotencyKey: 'k' });
    await room.running({ id: 'root' });
    for (const child of ['c', 'a', 'b']) await spawn(room, 'root', child);
    await spawn(room, 'root', 'named', 'k');
    await room.claim();
    await spawn(room, 'a', 'grandchild');
    expect(await allIds(room, { parentRunId: 'root', limit: 2 })).toEqual(['c', 'a', 'b']);
    expect(await allIds(room, { parentRunId: 'root', sort: 'desc', limit: 2 })).toEqual(['b', 'a', 'c']);
    expect(await allIds(room, { parentRunId: 'a' })).toEqual(['grandchild']);
    expect(await allIds(room, { parentRunId: 'older' })).toEqual([]);
    expect(await allIds(room, { parentRunId: 'nobody' })).toEqual([]);
  });

  it('combines with all else, and passes over children that are gone', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    for (const child of ['a', 'b', 'c']) await spawn(room, 'root', child);
    await room.claim('w1', { want: 2 });
    await room.send(finishRun('a', room.fenceOf('a'), 'succeeded', ''));
    expect(await allIds(room, { parentRunId: 'root', statuses: ['succeeded'] })).toEqual(['a']);
    expect(await allIds(room, { parentRunId: 'root', statuses: ['running'] })).toEqual(['b']);
    expect(await allIds(room, { parentRunId: 'root', workflow: 'charge' })).toEqual([]);
    expect(await allIds(room, { parentRunId: 'root', tags: { team: 'blue' } })).toEqual([]);
    await room.advance(10_000);
    await room.send(sweepHistory(1, 10));
    expect(await allIds(room, { parentRunId: 'root', limit: 1 })).toEqual(['b', 'c']);
  });

  it('does not look at other runs', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'root' });
    await spawn(room, 'root', 'child');
    for (let index = 0; index < 20; index++) await room.create({ id: `r${index}` });
    expect(await page(room, { parentRunId: 'root', sort: 'desc' }, 1)).toEqual({ ids: ['child'] });
  });
});
