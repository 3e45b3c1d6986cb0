import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Descendants that one call cancels: Redis serves nobody else meanwhile. */
const CHILDREN_PER_CALL = 100;

const CONTINUE_CANCEL = defineOperation({
  name: 'continue_cancel',
  args: ['limit'],
  reply: (reply) => reply === 1,
});

/** Cancels descendants of canceled runs. Answers whether there may be more. */
export function continueCancel(): Op<boolean> {
  return CONTINUE_CANCEL({ limit: CHILDREN_PER_CALL });
}
