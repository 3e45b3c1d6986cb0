import type { Op } from '../script/op.js';

/** Answers the milliseconds to the next due run, undefined for none. */
export function promoteDue(limit: number): Op<number | undefined> {
  return { name: 'promote_due', args: [limit], parse: (reply) => ((reply as number) < 0 ? undefined : (reply as number)) };
}
