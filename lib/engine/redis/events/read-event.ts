import type { EventRecord } from '../../core/api/client.types.js';
import type { Op } from '../script/op.js';
import { type EventReply, sealedInEvent, toEventRecord } from './stored-event.js';

export function readEvent(eventId: string): Op<EventRecord | null> {
  return {
    name: 'read_event',
    key: eventId,
    args: [eventId],
    sealed: (reply) => (reply ? sealedInEvent(reply as EventReply) : []),
    parse: (reply) => (reply ? toEventRecord(reply as EventReply) : null),
  };
}
