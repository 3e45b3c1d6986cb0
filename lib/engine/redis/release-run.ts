import { asStatus, type Op, type WriteStatus } from './op.js';

/**
 * @param delayMs 0 puts the run at the front of its queue
 * @param unknown the worker does not know the workflow, or cannot begin its handler: counted, and a run in its first pass has not started
 */
export function releaseRun(runId: string, fence: string, delayMs: number, unknown = false): Op<WriteStatus> {
  return { name: 'release_run', key: runId, args: [runId, fence, delayMs, unknown ? 1 : 0], parse: asStatus };
}
