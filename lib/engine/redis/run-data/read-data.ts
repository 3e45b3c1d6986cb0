import type { Op } from '../script/op.js';

/** Answers the payloads of a run, packed or not, flat; undefined for one with so much that it is to be read in pages. */
export function readData(runId: string): Op<readonly string[] | undefined> {
  return {
    name: 'read_data',
    // Up to 1 MiB.
    work: 64,
    args: [runId],
    parse: (reply) => (Array.isArray(reply) ? (reply as string[]) : undefined),
  };
}
