import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Forgotten {
  /** Of a workflow that is gone with this call. */
  readonly workflow?: string;
  /** To go on with; '0' to begin. */
  readonly cursor: string;
  readonly more: boolean;
}

const FORGET_UNSERVED = defineOperation({
  name: 'forget_unserved',
  args: ['cursor'],
  reply: (reply): Forgotten => {
    const [workflow, next, more] = reply as [string, string, number];
    return { workflow: workflow || undefined, cursor: next, more: more === 1 };
  },
});

/** Forgets workflows that nobody has served for as long as they are to be kept, one at a time. */
export function forgetUnserved(cursor: string): Op<Forgotten> {
  return FORGET_UNSERVED({ cursor });
}
