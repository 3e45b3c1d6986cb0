import type { Op } from '../script/op.js';

/**
 * Decides anew, for workflows whose last worker of some deployment went, whose declaration holds.
 * @returns whether there may be more
 */
export function settleDeclarations(limit: number): Op<boolean> {
  return { name: 'settle_declarations', args: [limit], parse: (reply) => reply === 1 };
}
