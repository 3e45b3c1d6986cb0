import { asStatus, type Op, type WriteStatus } from '../script/op.js';
import type { Judgement } from './emit-event.js';

export function settleDelivery(runId: string, fence: string, { status, error }: Judgement): Op<WriteStatus> {
  return { name: 'settle_delivery', key: runId, args: [runId, fence, status, error], parse: asStatus };
}
