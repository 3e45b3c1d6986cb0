import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** `ro`: failures that are to happen anew, encoded; `ua`: JSON of the names of the steps that a pass which ended in success did not ask for. */
export function noteReplay(runId: string, fence: string, field: 'ro' | 'ua', note: string): Op<WriteStatus> {
  return { name: 'note_replay', key: runId, args: [runId, fence, field, note], parse: asStatus };
}
