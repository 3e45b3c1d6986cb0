import type { Op } from '../script/op.js';

export interface Forgotten {
  /** Of a workflow that is gone with this call. */
  readonly workflow?: string;
  /** To go on with; '0' to begin. */
  readonly cursor: string;
  readonly more: boolean;
}

/** Forgets workflows that nobody has served for as long as they are to be kept, one at a time. */
export function forgetUnserved(cursor: string): Op<Forgotten> {
  return {
    name: 'forget_unserved',
    args: [cursor],
    parse: (reply) => {
      const [workflow, next, more] = reply as [string, string, number];
      return { workflow: workflow || undefined, cursor: next, more: more === 1 };
    },
  };
}
