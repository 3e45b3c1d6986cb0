import { createHash } from 'node:crypto';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** @param error encoded, '' when the hook has succeeded */
export function finishHook(hook: { runId: string; fence: string; failedRunId: string }, error: string): Op<WriteStatus> {
  const { runId, fence, failedRunId } = hook;
  return { name: 'finish_hook', key: runId, args: [runId, fence, failedRunId, error === '' ? 's' : 'f', error], parse: asStatus };
}

/** The run of a failure hook: the same whatever is repeated, another one when a run fails again after an explicit retry. */
export function hookIdOf(runId: string, fence: string): string {
  return createHash('sha256').update(`${runId}\0hook\0${fence}`).digest('hex').slice(0, 32);
}
