import type { BlockReason } from '../../core/replay/block-reason.js';
import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const BLOCK_RUN = defineOperation({
  name: 'block_run',
  key: 'id',
  args: ['id', 'fence', 'reason'],
  reply: asStatus,
});

export function blockRun(runId: string, fence: string, reason: BlockReason): Op<WriteStatus> {
  return BLOCK_RUN({ id: runId, fence, reason: JSON.stringify(reason) });
}
