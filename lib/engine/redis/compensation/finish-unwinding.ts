import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const FINISH_UNWINDING = defineOperation({
  name: 'finish_unwinding',
  key: 'id',
  args: ['id', 'fence', 'errors', 'hook'],
  reply: asStatus,
});

/**
 * @param errors encoded list of those of the compensations, '' for none
 * @param hookId run of the failure hook, '' for none
 */
export function finishUnwinding(runId: string, fence: string, errors: string, hookId: string): Op<WriteStatus> {
  return FINISH_UNWINDING({ id: runId, fence, errors, hook: hookId });
}
