import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const RELEASE_RUN = defineOperation({
  name: 'release_run',
  key: 'id',
  args: ['id', 'fence', 'delay', 'unfit'],
  reply: asStatus,
});

/**
 * @param delayMs 0 puts the run at the front of its queue
 * @param unfit the worker cannot begin its handler, and another may: counted, and a run in its first pass has not started
 */
export function releaseRun(runId: string, fence: string, delayMs: number, unfit = false): Op<WriteStatus> {
  return RELEASE_RUN({ id: runId, fence, delay: delayMs, unfit });
}
