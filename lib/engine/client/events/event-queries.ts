import type { EventFilter, EventRecord, EventSubscription, Page } from '../../core/api/client.types.js';
import { canBeName, checkPositiveInteger, rejectUnknownKeys } from '../../core/checks/checks.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import { listEvents } from '../../redis/events/list-events.js';
import { readEvent } from '../../redis/events/read-event.js';
import { splitSized } from '../../redis/events/stored-event.js';
import type { Keyspace } from '../../redis/keyspace.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { checkCursor, checkSort } from '../queries/page-checks.js';

const FILTER_KEYS = ['name', 'sort', 'limit', 'cursor'] as const satisfies ReadonlyArray<keyof EventFilter>;

/** Reads of events. */
export class EventQueries {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: WriteBuffer,
  ) {}

  async getEvent(eventId: string): Promise<EventRecord | null> {
    return canBeName(eventId, 'eventId') ? this.buffer.add(readEvent(eventId)) : null;
  }

  async listEvents(filter: EventFilter = {}): Promise<Page<EventRecord>> {
    rejectUnknownKeys(filter, FILTER_KEYS, 'listEvents()');
    const { name, sort = 'desc', limit = 50, cursor } = filter;
    const canMatch = name === undefined || (canBeName(name, 'name') && !name.includes('*'));
    checkSort(sort);
    checkCursor(cursor);
    checkPositiveInteger(limit, 'limit', { max: 1_000 });
    return canMatch ? this.buffer.add(listEvents({ name, sort, limit, cursor })) : { items: [] };
  }

  async listEventDefinitions(): Promise<EventSubscription[]> {
    const fields = await this.connection.repeated((redis) => redis.hkeys(this.keys.triggers));
    const subscribers = new Map<string, string[]>();
    for (const field of fields) {
      const [workflow, pattern] = splitSized(field);
      subscribers.set(pattern, [...(subscribers.get(pattern) ?? []), workflow]);
    }
    return [...subscribers]
      .map(([name, workflows]) => ({ name, subscribers: workflows.sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
