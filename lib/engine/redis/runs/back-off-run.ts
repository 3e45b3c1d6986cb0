import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export interface FailedAttempt {
  readonly runId: string;
  readonly fence: string;
  readonly delayMs: number;
  /** Epoch ms of the run's timeout. */
  readonly deadline?: number;
  /** Encoded error. */
  readonly error: string;
}

export const BACK_OFF_RUN = defineOperation({
  name: 'back_off_run',
  key: 'id',
  args: ['id', 'fence', 'delay', 'deadline', 'failure'],
  reply: asStatus,
});

export function backOffRun(attempt: FailedAttempt): Op<WriteStatus> {
  return BACK_OFF_RUN({
    id: attempt.runId,
    fence: attempt.fence,
    delay: attempt.delayMs,
    deadline: attempt.deadline,
    failure: attempt.error,
  });
}
