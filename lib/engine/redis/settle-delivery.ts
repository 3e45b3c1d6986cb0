import type { Judgement } from './emit-event.js';
import { asStatus, type Op, type WriteStatus } from './op.js';

export function settleDelivery(runId: string, fence: string, { status, error }: Judgement): Op<WriteStatus> {
  return { name: 'settle_delivery', key: runId, args: [runId, fence, status, error], parse: asStatus };
}
