import type { Op } from '../script/op.js';

/** Answers the reason, '' for none, by run id, for those of the runs that are to be canceled. */
export function findCanceled(runIds: readonly string[]): Op<Map<string, string>> {
  return { name: 'find_canceled', args: runIds, parse: (reply) => new Map(reply as Array<[string, string]>) };
}
