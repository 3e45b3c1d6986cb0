import type { RetryRefusal } from '../../core/errors/index.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Retry {
  readonly runId: string;
  /** A value of this call alone, so that a repeat of it is known. */
  readonly nonce: string;
  /** Epoch ms of the end that `reopened` was read after; 0 for none. */
  readonly endedAt: number;
  /** The version that the run is pinned to from now on; undefined leaves it. */
  readonly version?: string;
  /** Encoded failures that were to happen anew, with those of these steps; '' for none. */
  readonly reopenings?: string;
  /** Steps that are to happen again. */
  readonly reopened: readonly string[];
}

/** `CHANGED`: the run has ended another time. `CANCELING`: its descendants are left for continue_cancel. */
export type RetryAnswer = 'OK' | 'MISSING' | 'CHANGED' | 'CANCELING' | RetryRefusal;

const RETRY_RUN = defineOperation({
  name: 'retry_run',
  args: ['id', 'nonce', 'seen', 'version', 'reopenings', '...reopened'],
  reply: (reply) => reply as RetryAnswer,
});

export function retryRun({ runId, nonce, endedAt, version, reopenings = '', reopened }: Retry): Op<RetryAnswer> {
  return RETRY_RUN({ id: runId, nonce, seen: endedAt, version, reopenings, reopened });
}
