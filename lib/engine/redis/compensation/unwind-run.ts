import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** @param error encoded error of the last attempt */
export function unwindRun(runId: string, fence: string, error: string): Op<WriteStatus> {
  return { name: 'unwind_run', key: runId, args: [runId, fence, error], parse: asStatus };
}
