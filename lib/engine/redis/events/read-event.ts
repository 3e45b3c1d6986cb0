import type { EventRecord } from '../../core/api/client.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { type EventReply, sealedInEvent, toEventRecord } from './stored-event.js';

const READ_EVENT = defineOperation({
  name: 'read_event',
  key: 'id',
  args: ['id'],
  sealed: (reply) => (reply ? sealedInEvent(reply as EventReply) : []),
  reply: (reply) => (reply ? toEventRecord(reply as EventReply) : null),
});

export function readEvent(eventId: string): Op<EventRecord | null> {
  return READ_EVENT({ id: eventId });
}
