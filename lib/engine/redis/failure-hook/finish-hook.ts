import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const FINISH_HOOK = defineOperation({
  name: 'finish_hook',
  key: 'id',
  args: ['id', 'fence', 'failed', 'outcome', 'payload'],
  reply: asStatus,
});

/** @param error encoded, '' when the hook has succeeded */
export function finishHook(hook: { runId: string; fence: string; failedRunId: string }, error: string): Op<WriteStatus> {
  const { runId, fence, failedRunId } = hook;
  return FINISH_HOOK({ id: runId, fence, failed: failedRunId, outcome: error === '' ? 's' : 'f', payload: error });
}
