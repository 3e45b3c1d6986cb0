import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export const NOTE_REPLAY = defineOperation({
  name: 'note_replay',
  key: 'id',
  args: ['id', 'fence', 'field', 'note'],
  reply: asStatus,
});

/** `ro`: failures that are to happen anew, encoded; `ua`: JSON of the names of the steps that a pass which ended in success did not ask for. */
export function noteReplay(runId: string, fence: string, field: 'ro' | 'ua', note: string): Op<WriteStatus> {
  return NOTE_REPLAY({ id: runId, fence, field, note });
}
