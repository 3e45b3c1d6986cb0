import type { Op } from '../script/op.js';

export interface Resumption {
  readonly runId: string;
  /** A value of this call alone, so that a repeat of it is known. */
  readonly nonce: string;
  /** The steps that the run missed are left behind. */
  readonly accept: boolean;
}

/** `NO`: it is not blocked. */
export type Resumed = 'YES' | 'NO' | 'MISSING';

export function resumeRun({ runId, nonce, accept }: Resumption): Op<Resumed> {
  return {
    name: 'resume_run',
    key: runId,
    args: [runId, nonce, accept ? 1 : 0],
    parse: (reply) => reply as Resumed,
  };
}
