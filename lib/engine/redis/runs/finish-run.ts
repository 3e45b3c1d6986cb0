import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export type Outcome = 'succeeded' | 'failed' | 'canceled';

const LETTERS = { succeeded: 's', failed: 'f', canceled: 'c' } as const satisfies Record<Outcome, string>;

export const FINISH_RUN = defineOperation({
  name: 'finish_run',
  key: 'id',
  args: ['id', 'fence', 'outcome', 'payload', 'hook'],
  keepsOwners: true,
  reply: asStatus,
});

/** @param hookId run of the failure hook that a failure starts. A run whose cancellation was requested ends canceled, whatever is written here. */
export function finishRun(runId: string, fence: string, outcome: Outcome, payload: string, hookId = ''): Op<WriteStatus> {
  return FINISH_RUN({ id: runId, fence, outcome: LETTERS[outcome], payload, hook: hookId });
}
