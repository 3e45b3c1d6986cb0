import { describeId, describeValue } from '../checks/describe-value.js';
import { type BlockReason, blockMessage } from '../replay/block-reason.js';
import { RedflowError } from './redflow.error.js';

/**
 * A run passed the deadline that its workflow's `timeout` sets from the first start, or its failure hook did not settle within
 * `onFailureTimeout`.
 */
export class RunTimeoutError extends RedflowError {
  readonly code = 'RUN_TIMEOUT';
  readonly runId: string;
  readonly workflow: string;
  readonly timeoutMs: number;

  /** @param ids `isHook`: it was the run's failure hook, which the run has failed before */
  constructor(ids: { runId: string; workflow: string; timeoutMs: number; isHook?: boolean }) {
    super(
      ids.isHook
        ? `An attempt of the failure hook of run "${ids.runId}" of workflow "${ids.workflow}" did not settle within ` +
            `${ids.timeoutMs} ms. Raise the workflow's \`onFailureTimeout\`: waits do not count.`
        : `Run "${ids.runId}" of workflow "${ids.workflow}" did not end within ${ids.timeoutMs} ms of its first start. ` +
            "Raise the workflow's `timeout`: waits and retries count.",
    );
    this.runId = ids.runId;
    this.workflow = ids.workflow;
    this.timeoutMs = ids.timeoutMs;
  }
}

/** What `handle.result()` rejects with when the run failed. Its `cause` is the run's own error, rebuilt. */
export class RunFailedError extends RedflowError {
  readonly code = 'RUN_FAILED';
  readonly runId: string;
  readonly workflow: string;

  constructor(ids: { runId: string; workflow: string; cause: unknown }) {
    const reason = ids.cause instanceof Error ? ids.cause.message : describeValue(ids.cause);
    super(`Run "${ids.runId}" of workflow "${ids.workflow}" failed: ${reason}`, { cause: ids.cause });
    this.runId = ids.runId;
    this.workflow = ids.workflow;
  }
}

/** What `handle.result()` rejects with when the run was canceled. */
export class RunCanceledError extends RedflowError {
  readonly code = 'RUN_CANCELED';
  readonly runId: string;
  /** The reason given to the cancellation, if any. */
  readonly reason?: string;

  constructor(ids: { runId: string; reason?: string }) {
    super(ids.reason === undefined ? `Run "${ids.runId}" was canceled.` : `Run "${ids.runId}" was canceled: ${ids.reason}`);
    this.runId = ids.runId;
    this.reason = ids.reason;
  }
}

/** `handle.result()` waited for its `timeoutMs`. The run itself goes on. */
export class ResultTimeoutError extends RedflowError {
  readonly code = 'RESULT_TIMEOUT';
  readonly runId: string;
  readonly timeoutMs: number;

  constructor(ids: { runId: string; timeoutMs: number }) {
    super(
      `Run "${ids.runId}" did not end within the ${ids.timeoutMs} ms this call waited; it goes on. ` +
        'Call result() again, with a longer timeoutMs if need be.',
    );
    this.runId = ids.runId;
    this.timeoutMs = ids.timeoutMs;
  }
}

/** A run took down, or was lost by, worker after worker without completing another step. */
export class CrashLoopError extends RedflowError {
  readonly code = 'CRASH_LOOP';
  readonly runId: string;
  readonly workflow: string;
  readonly recoveries: number;

  constructor(ids: { runId: string; workflow: string; recoveries: number }) {
    super(
      `Run "${ids.runId}" of workflow "${ids.workflow}" was recovered ${ids.recoveries} times from workers that stopped ` +
        'renewing their lease, without completing a step. Look for what crashes or blocks the process; `maxRecoveries` is the limit.',
    );
    this.runId = ids.runId;
    this.workflow = ids.workflow;
    this.recoveries = ids.recoveries;
  }
}

/** What `runInline` rejects with when the code of a run departs from what its steps have stored in an earlier pass. */
export class RunBlockedError extends RedflowError {
  readonly code = 'RUN_BLOCKED';
  readonly runId: string;
  /** The new step that the code asked for, if that was it. */
  readonly step?: string;
  /** The stored steps that it did not ask for, the earliest first. */
  readonly missing: readonly string[];

  constructor(ids: { runId: string; reason: BlockReason }) {
    super(`Run "${ids.runId}" is blocked. ${blockMessage(ids.reason)}`);
    this.runId = ids.runId;
    this.step = ids.reason.step;
    this.missing = ids.reason.missing;
  }
}

/** `resumeRun` was called for a run that is not blocked by its code. */
export class RunNotBlockedError extends RedflowError {
  readonly code = 'RUN_NOT_BLOCKED';
  readonly runId: string;

  constructor(ids: { runId: string }) {
    super(
      `Run "${ids.runId}" is not blocked by its code, so there is nothing to resume. ` +
        '`blockedBy` of its record says what it waits for; a run that has ended is retried with retryRun().',
    );
    this.runId = ids.runId;
  }
}

/** No run has this id: it never existed under this prefix, or its retention has passed. */
export class RunNotFoundError extends RedflowError {
  readonly code = 'RUN_NOT_FOUND';
  readonly runId: string;

  constructor(ids: { runId: string }) {
    super(`There is no run ${describeId(ids.runId)}. Check the id and the prefix; ended runs are deleted after their retention.`);
    this.runId = ids.runId;
  }
}

const REFUSALS = {
  succeeded: 'it has succeeded. Create another run.',
  not_ended: 'it has not ended. Wait for its end, or cancel it first.',
  compensated: 'its compensations ran, so its completed steps are undone. Create another run.',
  undelivered: 'its event was never delivered to it: the filter or the schema of its workflow refused the event.',
  hook_pending: 'its failure hook has not ended. Wait until `failureHook.status` is not "pending".',
} as const;

/** Why a run cannot be retried. */
export type RetryRefusal = keyof typeof REFUSALS;

/** `retryRun` takes only failed and canceled runs whose completed steps still stand. */
export class RetryRefusedError extends RedflowError {
  readonly code = 'RETRY_REFUSED';
  readonly runId: string;
  readonly reason: RetryRefusal;

  constructor(ids: { runId: string; reason: RetryRefusal }) {
    super(`Run "${ids.runId}" cannot be retried: ${REFUSALS[ids.reason]}`);
    this.runId = ids.runId;
    this.reason = ids.reason;
  }
}
