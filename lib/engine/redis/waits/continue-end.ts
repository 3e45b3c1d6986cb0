import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Runs whose ends one call goes on with. */
const RUNS_PER_CALL = 1;

const CONTINUE_END = defineOperation({
  name: 'continue_end',
  // Up to a hundred runs go on, each with a payload.
  work: 256,
  args: ['runs'],
  reply: (reply) => reply === 1,
});

/** Goes on with the ends of runs that many others wait for. Answers whether there may be more to do. */
export function continueEnd(): Op<boolean> {
  return CONTINUE_END({ runs: RUNS_PER_CALL });
}
