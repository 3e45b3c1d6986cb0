import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const SETTLE_DECLARATIONS = defineOperation({
  name: 'settle_declarations',
  args: ['limit'],
  reply: (reply) => reply === 1,
});

/**
 * Decides anew, for workflows whose last worker of some deployment went, whose declaration holds.
 * @returns whether there may be more
 */
export function settleDeclarations(limit: number): Op<boolean> {
  return SETTLE_DECLARATIONS({ limit });
}
