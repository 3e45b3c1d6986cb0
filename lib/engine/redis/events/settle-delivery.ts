import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';
import type { EventAdmission } from './emit-event.js';

const SETTLE_DELIVERY = defineOperation({
  name: 'settle_delivery',
  key: 'id',
  args: ['id', 'fence', 'status', 'failure'],
  reply: asStatus,
});

export function settleDelivery(runId: string, fence: string, { status, error }: EventAdmission): Op<WriteStatus> {
  return SETTLE_DELIVERY({ id: runId, fence, status, failure: error });
}
