import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** Fields of what was made of a run's input: by the schema of its workflow, and after that by its pipes. */
export type KeptInput = 'is' | 'ip';

export const KEEP_INPUT = defineOperation({
  name: 'keep_input',
  key: 'id',
  args: ['id', 'fence', 'field', 'payload'],
  reply: asStatus,
});

export function keepInput(runId: string, fence: string, field: KeptInput, payload: string): Op<WriteStatus> {
  return KEEP_INPUT({ id: runId, fence, field, payload });
}
