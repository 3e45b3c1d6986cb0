import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export function storeProgress(runId: string, fence: string, step: string, payload: string): Op<WriteStatus> {
  return { name: 'store_progress', key: runId, args: [runId, fence, step, payload], parse: asStatus };
}
