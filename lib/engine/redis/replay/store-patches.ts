import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** @param answers all that `ctx.patched()` has answered in the run, as JSON */
export function storePatches(runId: string, fence: string, answers: string): Op<WriteStatus> {
  return { name: 'store_patches', key: runId, args: [runId, fence, answers], parse: asStatus };
}
