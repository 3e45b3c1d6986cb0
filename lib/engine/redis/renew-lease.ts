import type { Op } from './op.js';

export interface Heartbeat {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly running: number;
  readonly stalledRunIds: readonly string[];
}

export interface Renewed {
  readonly status: 'OK' | 'LOST';
  readonly now: number;
}

export function renewLease(beat: Heartbeat): Op<Renewed> {
  return {
    name: 'renew_lease',
    args: [beat.workerId, beat.leaseMs, beat.running, JSON.stringify(beat.stalledRunIds)],
    parse: (reply) => {
      const [status, now] = reply as [Renewed['status'], number];
      return { status, now };
    },
  };
}
