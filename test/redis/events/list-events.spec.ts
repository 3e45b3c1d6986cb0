import { describe, expect, it } from '@jest/globals';
import { listEvents } from '../../../lib/engine/redis/events/list-events.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, verdict } from '../../support/event-room.js';

async function withEvents(): Promise<EngineRoom> {
  const room = openEngineRoom();
  for (let index = 1; index <= 5; index++)
    await emit(room, { id: `e${index}`, name: index % 2 ? 'odd' : 'even', verdicts: [verdict('w')] });
  return room;
}

async function pages(room: EngineRoom, request: { sort: 'asc' | 'desc'; limit: number; name?: string }): Promise<string[][]> {
  const found: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await room.send(listEvents({ ...request, cursor }));
    found.push(page.items.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe('listEvents()', () => {
  it('answers full pages in the order of emission, either way', async () => {
    const room = await withEvents();
    expect(await pages(room, { sort: 'desc', limit: 2 })).toEqual([['e5', 'e4'], ['e3', 'e2'], ['e1']]);
    expect(await pages(room, { sort: 'asc', limit: 5 })).toEqual([['e1', 'e2', 'e3', 'e4', 'e5']]);
  });

  it('filters by name', async () => {
    const room = await withEvents();
    expect(await pages(room, { sort: 'desc', limit: 2, name: 'odd' })).toEqual([['e5', 'e3'], ['e1']]);
    expect(await pages(room, { sort: 'desc', limit: 2, name: 'none' })).toEqual([[]]);
  });

  it('answers whole records', async () => {
    const room = await withEvents();
    const [event] = (await room.send(listEvents({ sort: 'desc', limit: 1 }))).items;
    expect(event).toMatchObject({
      id: 'e5',
      name: 'odd',
      fanoutStatus: 'complete',
      deliveries: [{ workflow: 'w', status: 'delivered' }],
    });
  });
});
