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

export function renewLease(beat: Heartbeat): Op<Renewed> {
  return {
    name: 'renew_lease',
    args: [beat.workerId, beat.leaseMs, beat.running, JSON.stringify(beat.stalledRunIds), beat.cursor ?? FIRST_PAGE],
    parse: (reply) => {
      const [status, now, cursor, owned] = reply as [Renewed['status'], number, string, string[]];
      return status === 'LOST' ? { status, now } : { status, now, cursor, owned };
    },
  };
}
