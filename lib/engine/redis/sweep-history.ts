import type { Op } from './op.js';

/** Answers the number of runs deleted; as many as `limit` means there may be more. */
export function sweepHistory(retentionMs: number, limit: number): Op<number> {
  return { name: 'sweep_history', args: [retentionMs, limit], parse: (reply) => reply as number };
}
