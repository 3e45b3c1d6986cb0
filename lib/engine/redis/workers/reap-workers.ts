import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Reaped {
  readonly runs: number;
  readonly more: boolean;
}

const REAP_WORKERS = defineOperation({
  name: 'reap_workers',
  args: ['limit'],
  reply: (reply): Reaped => {
    const [runs, more] = reply as [number, number];
    return { runs, more: more === 1 };
  },
});

export function reapWorkers(limit: number): Op<Reaped> {
  return REAP_WORKERS({ limit });
}
