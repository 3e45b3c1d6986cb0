import { RedflowError } from './redflow.error.js';

/** A durable operation was started inside a running step's function. Never retried. */
export class NestedStepError extends RedflowError {
  readonly code = 'NESTED_STEP';
  readonly runId: string;
  /** The step whose function was running. */
  readonly outer: string;
  /** The operation that was started inside it. */
  readonly inner: string;

  constructor(ids: { runId: string; outer: string; inner: string }) {
    super(
      `"${ids.inner}" was started inside step "${ids.outer}" of run "${ids.runId}". ` +
        'Call it from the handler, before or after that step.',
    );
    this.runId = ids.runId;
    this.outer = ids.outer;
    this.inner = ids.inner;
  }
}

/** A child that a step waited for failed or was canceled. Its `cause` is the child's own error, rebuilt. */
export class ChildWorkflowError extends RedflowError {
  readonly code = 'CHILD_WORKFLOW';
  readonly runId: string;
  readonly step: string;
  readonly childRunId: string;

  constructor(ids: { runId: string; step: string; childRunId: string; cause: Error }) {
    super(`Child run "${ids.childRunId}" of step "${ids.step}" of run "${ids.runId}" failed: ${ids.cause.message}`, {
      cause: ids.cause,
    });
    this.runId = ids.runId;
    this.step = ids.step;
    this.childRunId = ids.childRunId;
  }
}

/** A step name was used twice in one pass of a handler. Never retried. */
export class DuplicateStepError extends RedflowError {
  readonly code = 'DUPLICATE_STEP';
  readonly runId: string;
  readonly step: string;

  constructor(ids: { runId: string; step: string }) {
    super(
      `Step "${ids.step}" was used twice in run "${ids.runId}". ` +
        'Step names are unique within a run: put the index or key into the name inside a loop.',
    );
    this.runId = ids.runId;
    this.step = ids.step;
  }
}

/** A step name stands for another kind of step than in an earlier pass. Never retried. */
export class StepMismatchError extends RedflowError {
  readonly code = 'STEP_MISMATCH';
  readonly runId: string;
  readonly step: string;
  /** Kind of the step as an earlier pass stored it. */
  readonly stored: string;
  /** Kind of the step as this pass called it. */
  readonly called: string;

  constructor(ids: { runId: string; step: string; stored: string; called: string }) {
    super(
      `Step "${ids.step}" of run "${ids.runId}" was stored as "${ids.stored}" and is now called as "${ids.called}". ` +
        'Give the new step another name: runs in flight keep the old one.',
    );
    this.runId = ids.runId;
    this.step = ids.step;
    this.stored = ids.stored;
    this.called = ids.called;
  }
}

/**
 * In a run's `compensationErrors`: a step was started, nobody knows what it did, and its `compensate: { unknown: 'report' }` wants that
 * looked into rather than undone.
 */
export class UnknownOutcomeError extends RedflowError {
  readonly code = 'UNKNOWN_OUTCOME';
  readonly runId: string;
  readonly step: string;

  constructor(ids: { runId: string; step: string; stepIdempotencyKey: string }) {
    super(
      `Step "${ids.step}" of run "${ids.runId}" was started, and its outcome is unknown. ` +
        `Look up what it did under its idempotency key "${ids.stepIdempotencyKey}", and undo it by hand if need be.`,
    );
    this.runId = ids.runId;
    this.step = ids.step;
  }
}

/** A step did not settle within its `timeout`; its signal was aborted with this error. */
export class StepTimeoutError extends RedflowError {
  readonly code = 'STEP_TIMEOUT';
  readonly runId: string;
  readonly step: string;
  readonly timeoutMs: number;

  constructor(ids: { runId: string; step: string; timeoutMs: number }) {
    super(
      `Step "${ids.step}" of run "${ids.runId}" did not finish within ${ids.timeoutMs} ms. ` +
        "Raise the step's `timeout`, or do less in one step.",
    );
    this.runId = ids.runId;
    this.step = ids.step;
    this.timeoutMs = ids.timeoutMs;
  }
}
