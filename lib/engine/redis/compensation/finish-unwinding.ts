import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/**
 * @param errors encoded list of those of the compensations, '' for none
 * @param hookId run of the failure hook, '' for none
 */
export function finishUnwinding(runId: string, fence: string, errors: string, hookId: string): Op<WriteStatus> {
  return { name: 'finish_unwinding', key: runId, args: [runId, fence, errors, hookId], parse: asStatus };
}
