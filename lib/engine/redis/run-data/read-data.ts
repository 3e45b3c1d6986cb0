import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const READ_DATA = defineOperation({
  name: 'read_data',
  // Up to 1 MiB.
  work: 64,
  args: ['id'],
  reply: (reply) => (Array.isArray(reply) ? (reply as string[]) : undefined),
});

/** Answers the payloads of a run, packed or not, flat; undefined for one with so much that it is to be read in pages. */
export function readData(runId: string): Op<readonly string[] | undefined> {
  return READ_DATA({ id: runId });
}
