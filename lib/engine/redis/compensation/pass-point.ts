import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** A point of no return. */
export interface Point {
  /** How many the handler has passed, this one included. */
  readonly number: number;
  /** Its place in the order in which the steps completed. */
  readonly order: number;
  /** A step with a compensation is in flight: it lies behind the point. */
  readonly hasOpen: boolean;
}

export const PASS_POINT = defineOperation({
  name: 'pass_point',
  key: 'id',
  args: ['id', 'fence', 'number', 'order', 'open'],
  reply: asStatus,
});

export function passPoint(runId: string, fence: string, { number, order, hasOpen }: Point): Op<WriteStatus> {
  return PASS_POINT({ id: runId, fence, number, order, open: hasOpen });
}
