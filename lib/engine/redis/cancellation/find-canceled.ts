import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const FIND_CANCELED = defineOperation({
  name: 'find_canceled',
  args: ['...ids'],
  reply: (reply) => new Map(reply as Array<[string, string]>),
});

/** Answers the reason, '' for none, by run id, for those of the runs that are to be canceled. */
export function findCanceled(runIds: readonly string[]): Op<Map<string, string>> {
  return FIND_CANCELED({ ids: runIds });
}
