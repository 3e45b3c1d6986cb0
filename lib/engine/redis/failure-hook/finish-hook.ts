import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** @param error encoded, '' when the hook has succeeded */
export function finishHook(hook: { runId: string; fence: string; failedRunId: string }, error: string): Op<WriteStatus> {
  const { runId, fence, failedRunId } = hook;
  return { name: 'finish_hook', key: runId, args: [runId, fence, failedRunId, error === '' ? 's' : 'f', error], parse: asStatus };
}
