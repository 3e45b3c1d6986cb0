import { defineOperation } from '../script/define-operation.js';
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

const RESUME_RUN = defineOperation({
  name: 'resume_run',
  key: 'id',
  args: ['id', 'nonce', 'accept'],
  reply: (reply) => reply as Resumed,
});

export function resumeRun({ runId, nonce, accept }: Resumption): Op<Resumed> {
  return RESUME_RUN({ id: runId, nonce, accept });
}
