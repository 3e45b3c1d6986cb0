import type { Op } from './op.js';

export interface Parked {
  /** `READY`: a wait was already due, the pass goes on. */
  readonly status: 'PARKED' | 'READY' | 'LOST';
  readonly now: number;
}

export function parkRun(runId: string, fence: string, deadline: number | undefined, steps: readonly string[]): Op<Parked> {
  return {
    name: 'park_run',
    key: runId,
    args: [runId, fence, deadline ?? '', ...steps],
    parse: (reply) => {
      const [status, now] = reply as [Parked['status'], number];
      return { status, now };
    },
  };
}
