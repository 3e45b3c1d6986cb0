import type { RunStatus } from '../../core/api/run.types.js';
import { codesOfStatus, statusOf } from '../runs/run-status.js';
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

export function cancelRun({ runId, reason, compensate, nonce, only = [], failureHook = false }: Cancellation): Op<CancelAnswer> {
  return {
    name: 'cancel_run',
    args: [runId, reason, compensate ? 1 : 0, nonce, only.map(codesOfStatus).join(''), failureHook ? 1 : 0],
    parse: (reply) => {
      const [status, code, more] = reply as [CancelAnswer['status'], string, number];
      return status === 'MISSING' ? { status } : { status, runStatus: statusOf(code), more: more === 1 };
    },
  };
}
