import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const STORE_PROGRESS = defineOperation({
  name: 'store_progress',
  key: 'id',
  args: ['id', 'fence', 'name', 'payload'],
  reply: asStatus,
});

export function storeProgress(runId: string, fence: string, step: string, payload: string): Op<WriteStatus> {
  return STORE_PROGRESS({ id: runId, fence, name: step, payload });
}
