import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** Fields of what was made of a run's input: by the schema of its workflow, and after that by its pipes. */
export type KeptInput = 'is' | 'ip';

export function keepInput(runId: string, fence: string, field: KeptInput, payload: string): Op<WriteStatus> {
  return { name: 'keep_input', key: runId, args: [runId, fence, field, payload], parse: asStatus };
}
