import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/**
 * @param delayMs 0 puts the run at the front of its queue
 * @param unfit the worker cannot begin its handler, and another may: counted, and a run in its first pass has not started
 */
export function releaseRun(runId: string, fence: string, delayMs: number, unfit = false): Op<WriteStatus> {
  return { name: 'release_run', key: runId, args: [runId, fence, delayMs, unfit ? 1 : 0], parse: asStatus };
}
