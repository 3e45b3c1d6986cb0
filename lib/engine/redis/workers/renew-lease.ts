import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Where the pages of owned runs begin and end. */
export const FIRST_PAGE = '0';

export interface Heartbeat {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly running: number;
  readonly stalledRunIds: readonly string[];
  /** Page of the owned runs: the `cursor` of the answer before. @default FIRST_PAGE */
  readonly cursor?: string;
}

export type Renewed =
  | { readonly status: 'LOST'; readonly now: number }
  | {
      readonly status: 'OK';
      readonly now: number;
      /** {@link FIRST_PAGE} when there are no more. */
      readonly cursor: string;
      /** Some of the runs that Redis says the worker executes. */
      readonly owned: readonly string[];
    };

const RENEW_LEASE = defineOperation({
  name: 'renew_lease',
  args: ['worker', 'lease', 'running', 'stalled', 'cursor'],
  reply: (reply): Renewed => {
    const [status, now, cursor, owned] = reply as [Renewed['status'], number, string, string[]];
    return status === 'LOST' ? { status, now } : { status, now, cursor, owned };
  },
});

export function renewLease(beat: Heartbeat): Op<Renewed> {
  return RENEW_LEASE({
    worker: beat.workerId,
    lease: beat.leaseMs,
    running: beat.running,
    stalled: JSON.stringify(beat.stalledRunIds),
    cursor: beat.cursor ?? FIRST_PAGE,
  });
}
