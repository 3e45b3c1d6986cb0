import { asStatus, type Op, type WriteStatus } from './op.js';

/** @param delayMs 0 puts the run at the front of its queue */
export function releaseRun(runId: string, fence: string, delayMs: number): Op<WriteStatus> {
  return { name: 'release_run', args: [runId, fence, delayMs], parse: asStatus };
}
