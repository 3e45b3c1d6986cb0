import type { RunStatus } from '../../core/api/run.types.js';
import { codesOfStatus, statusOf } from '../runs/run-status.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Cancellation {
  readonly runId: string;
  /** '' for none. */
  readonly reason: string;
  readonly compensate: boolean;
  /** A value of this call alone, so that a repeat of it is known. */
  readonly nonce: string;
  /** Statuses in which it is canceled; none for any. */
  readonly only?: readonly RunStatus[];
  /** Its failure hook is canceled, not the run. */
  readonly failureHook?: boolean;
}

export type CancelAnswer =
  | { readonly status: 'MISSING' }
  /** `YES`: this call decides that the run ends canceled. `more`: descendants are left for continue_cancel. */
  | { readonly status: 'YES' | 'NO'; readonly runStatus: RunStatus; readonly more: boolean };

const CANCEL_RUN = defineOperation({
  name: 'cancel_run',
  args: ['id', 'reason', 'compensate', 'nonce', 'only', 'hook'],
  reply: (reply): CancelAnswer => {
    const [status, code, more] = reply as [CancelAnswer['status'], string, number];
    return status === 'MISSING' ? { status } : { status, runStatus: statusOf(code), more: more === 1 };
  },
});

export function cancelRun({ runId, reason, compensate, nonce, only = [], failureHook = false }: Cancellation): Op<CancelAnswer> {
  return CANCEL_RUN({ id: runId, reason, compensate, nonce, only: only.map(codesOfStatus).join(''), hook: failureHook });
}
