import type { Op } from './op.js';
import { parseRunData, type RunData } from './stored-step.js';

/** Answers the payloads of a run, packed or not; undefined for one with so much that {@link readRunData} is to read it in pages. */
export function readData(runId: string): Op<RunData | undefined> {
  return {
    name: 'read_data',
    // Up to 1 MiB.
    work: 64,
    args: [runId],
    parse: (reply) => (Array.isArray(reply) ? parseRunData(reply) : undefined),
  };
}
