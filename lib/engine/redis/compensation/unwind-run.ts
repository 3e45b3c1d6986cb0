import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const UNWIND_RUN = defineOperation({
  name: 'unwind_run',
  key: 'id',
  args: ['id', 'fence', 'failure'],
  reply: asStatus,
});

/** @param error encoded error of the last attempt */
export function unwindRun(runId: string, fence: string, error: string): Op<WriteStatus> {
  return UNWIND_RUN({ id: runId, fence, failure: error });
}
