import type { Op } from './op.js';

/** Answers the number of events deleted; as many as `limit` means there may be more. */
export function sweepEvents(retentionMs: number, limit: number): Op<number> {
  return { name: 'sweep_events', args: [retentionMs, limit], parse: (reply) => reply as number };
}
