import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export type Outcome = 'succeeded' | 'failed' | 'canceled';

const LETTERS = { succeeded: 's', failed: 'f', canceled: 'c' } as const satisfies Record<Outcome, string>;

/** @param hookId run of the failure hook that a failure starts. A run whose cancellation was requested ends canceled, whatever is written here. */
export function finishRun(runId: string, fence: string, outcome: Outcome, payload: string, hookId = ''): Op<WriteStatus> {
  return { name: 'finish_run', key: runId, args: [runId, fence, LETTERS[outcome], payload, hookId], parse: asStatus };
}
