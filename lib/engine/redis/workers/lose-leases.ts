import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

const LOSE_LEASES = defineOperation({
  name: 'lose_leases',
  args: [],
  reply: asStatus,
});

/** All workers register again with what they declare. */
export function loseLeases(): Op<WriteStatus> {
  return LOSE_LEASES({});
}
