import { describe, expect, it } from '@jest/globals';
import { findRuns } from '../../../lib/engine/redis/queries/find-runs.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('findRuns()', () => {
  it('answers the ids that listRuns() would list, page by page, and nothing else', async () => {
    const room = openEngineRoom();
    for (const id of ['a', 'b', 'c']) await room.create({ id, input: '{"a":1}', tags: { team: 'blue' } });
    await room.create({ id: 'other', workflow: 'charge' });
    const request = { sort: 'desc', limit: 2, statuses: ['queued'], workflow: 'greet', tags: { team: 'blue' } } as const;
    const first = await room.send(findRuns(request));
    expect(first.items).toEqual(['c', 'b']);
    expect(await room.send(findRuns({ ...request, cursor: first.cursor }))).toEqual({ items: ['a'] });
  });

  it('repeated, answers the same and writes nothing', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b');
    const op = findRuns({ sort: 'asc', limit: 1, statuses: [] });
    expect(await room.repeat(op)).toEqual(await room.send(op));
  });
});
