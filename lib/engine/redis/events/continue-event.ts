import type { Op } from '../script/op.js';

/** @param eventId undefined for any event that is not done. Answers whether there is more to do */
export function continueEvent(eventId?: string): Op<boolean> {
  return {
    name: 'continue_event',
    key: eventId,
    args: [eventId ?? ''],
    writtenId: () => eventId,
    parse: (reply) => reply === 1,
  };
}
