import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const CONTINUE_EVENT = defineOperation({
  name: 'continue_event',
  key: 'id',
  args: ['id'],
  replicaId: (_reply, { id }) => id as string | undefined,
  reply: (reply) => reply === 1,
});

/** @param eventId undefined for any event that is not done. Answers whether there is more to do */
export function continueEvent(eventId?: string): Op<boolean> {
  return CONTINUE_EVENT({ id: eventId });
}
