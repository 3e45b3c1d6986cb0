import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Parked {
  /** `READY`: a wait was already due; `CANCELED`: the run is to be canceled. The pass goes on in both cases. */
  readonly status: 'PARKED' | 'READY' | 'CANCELED' | 'LOST';
  readonly now: number;
  /** Of the cancellation. */
  readonly reason: string;
}

export const PARK_RUN = defineOperation({
  name: 'park_run',
  key: 'id',
  args: ['id', 'fence', 'deadline', '...names'],
  reply: (reply): Parked => {
    const [status, now, reason = ''] = reply as [Parked['status'], number, string?];
    return { status, now, reason };
  },
});

export function parkRun(runId: string, fence: string, deadline: number | undefined, steps: readonly string[]): Op<Parked> {
  return PARK_RUN({ id: runId, fence, deadline, names: steps });
}
