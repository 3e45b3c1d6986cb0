import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { MAX_WORK } from '../script/write-buffer.js';

/** A value, null for a field that is gone, or the length of one that is longer than a whole answer may be. */
export type FieldRead = string | null | number;

const READ_FIELDS = defineOperation({
  name: 'read_fields',
  // Alone in its call: the answer is as long as one should be.
  work: MAX_WORK,
  args: ['id', 'most', '...names'],
  reply: (reply) => reply as FieldRead[],
});

/** Answers as many of the payload fields of a run as have room, in their order, but always the first. */
export function readFields(runId: string, maxBytes: number, names: readonly string[]): Op<FieldRead[]> {
  return READ_FIELDS({ id: runId, most: maxBytes, names });
}
