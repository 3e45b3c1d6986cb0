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

export function backOffRun(attempt: FailedAttempt): Op<WriteStatus> {
  return {
    name: 'back_off_run',
    key: attempt.runId,
    args: [attempt.runId, attempt.fence, attempt.delayMs, attempt.deadline ?? '', attempt.error],
    parse: asStatus,
  };
}
