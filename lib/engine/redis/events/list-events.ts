import type { EventRecord, Page } from '../../core/api/client.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { type EventReply, sealedInEvent, toEventRecord } from './stored-event.js';

export interface EventPageRequest {
  readonly cursor?: string;
  readonly sort: 'asc' | 'desc';
  readonly limit: number;
  readonly name?: string;
}

type PageReply = [string, ...EventReply[]];

const LIST_EVENTS = defineOperation({
  name: 'list_events',
  args: ['after', 'sort', 'limit', 'name'],
  sealed: (reply) => (reply as PageReply).slice(1).flatMap((event) => sealedInEvent(event as EventReply)),
  reply: (reply): Page<EventRecord> => {
    const [next, ...events] = reply as PageReply;
    const items = events.map(toEventRecord);
    return next === '' ? { items } : { items, cursor: next };
  },
});

export function listEvents({ cursor, sort, limit, name }: EventPageRequest): Op<Page<EventRecord>> {
  return LIST_EVENTS({ after: cursor, sort, limit, name });
}
