import type { EventRecord, Page } from '../core/client.types.js';
import type { Op } from './op.js';
import { type EventReply, toEventRecord } from './stored-event.js';

export interface EventPageRequest {
  readonly cursor?: string;
  readonly sort: 'asc' | 'desc';
  readonly limit: number;
  readonly name?: string;
}

export function listEvents({ cursor, sort, limit, name }: EventPageRequest): Op<Page<EventRecord>> {
  return {
    name: 'list_events',
    args: [cursor ?? '', sort, limit, name ?? ''],
    parse: (reply) => {
      const [next, ...events] = reply as [string, ...EventReply[]];
      const items = events.map(toEventRecord);
      return next === '' ? { items } : { items, cursor: next };
    },
  };
}
