import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** All workers register again with what they declare. */
export function loseLeases(): Op<WriteStatus> {
  return { name: 'lose_leases', args: [], parse: asStatus };
}
