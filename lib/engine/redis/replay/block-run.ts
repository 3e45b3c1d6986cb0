import type { BlockReason } from '../../core/replay/block-reason.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export function blockRun(runId: string, fence: string, reason: BlockReason): Op<WriteStatus> {
  return { name: 'block_run', key: runId, args: [runId, fence, JSON.stringify(reason)], parse: asStatus };
}
