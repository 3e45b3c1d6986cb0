import type { Op } from '../script/op.js';

/**
 * Offers some blocked runs to living deployments that have not tried them.
 * @returns whether there may be more
 */
export function offerBlocked(): Op<boolean> {
  return { name: 'offer_blocked', args: [], parse: (reply) => reply === 1 };
}
