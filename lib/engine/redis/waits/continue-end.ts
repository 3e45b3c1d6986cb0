import type { Op } from '../script/op.js';

/** Runs whose ends one call goes on with. */
const RUNS_PER_CALL = 1;

/** Goes on with the ends of runs that many others wait for. Answers whether there may be more to do. */
export function continueEnd(): Op<boolean> {
  // Up to a hundred runs go on, each with a payload.
  return { name: 'continue_end', work: 256, args: [RUNS_PER_CALL], parse: (reply) => reply === 1 };
}
