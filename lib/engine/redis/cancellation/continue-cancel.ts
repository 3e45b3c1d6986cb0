import type { Op } from '../script/op.js';

/** Descendants that one call cancels: Redis serves nobody else meanwhile. */
const CHILDREN_PER_CALL = 100;

/** Cancels descendants of canceled runs. Answers whether there may be more. */
export function continueCancel(): Op<boolean> {
  return { name: 'continue_cancel', args: [CHILDREN_PER_CALL], parse: (reply) => reply === 1 };
}
