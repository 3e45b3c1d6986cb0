import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const OFFER_BLOCKED = defineOperation({
  name: 'offer_blocked',
  args: [],
  reply: (reply) => reply === 1,
});

/**
 * Offers some blocked runs to living deployments that have not tried them.
 * @returns whether there may be more
 */
export function offerBlocked(): Op<boolean> {
  return OFFER_BLOCKED({});
}
