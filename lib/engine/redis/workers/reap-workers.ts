import type { Op } from '../script/op.js';

export interface Reaped {
  readonly runs: number;
  readonly more: boolean;
}

export function reapWorkers(limit: number): Op<Reaped> {
  return {
    name: 'reap_workers',
    args: [limit],
    parse: (reply) => {
      const [runs, more] = reply as [number, number];
      return { runs, more: more === 1 };
    },
  };
}
