import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const PROMOTE_DUE = defineOperation({
  name: 'promote_due',
  args: ['limit'],
  reply: (reply) => ((reply as number) < 0 ? undefined : (reply as number)),
});

/** Answers the milliseconds to the next due run, undefined for none. */
export function promoteDue(limit: number): Op<number | undefined> {
  return PROMOTE_DUE({ limit });
}
