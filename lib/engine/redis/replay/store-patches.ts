import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const STORE_PATCHES = defineOperation({
  name: 'store_patches',
  key: 'id',
  args: ['id', 'fence', 'answers'],
  reply: asStatus,
});

/** @param answers all that `ctx.patched()` has answered in the run, as JSON */
export function storePatches(runId: string, fence: string, answers: string): Op<WriteStatus> {
  return STORE_PATCHES({ id: runId, fence, answers });
}
