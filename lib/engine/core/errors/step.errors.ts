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
    // It is made anew in every pass, by whatever learns of the child's end then: frames would differ, and say nothing.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** A step was to wait for a child that could only go on once the step's own run has ended. Never retried. */
export class WaitCircleError extends RedflowError {
  readonly code = 'WAIT_CIRCLE';
  readonly runId: string;
  readonly step: string;
  /** The run that waits for this one, or this one itself. */
  readonly otherRunId: string;
  /** What leads to it: the idempotency key of the child, or its mutex. */
  readonly through: 'idempotencyKey' | 'mutex';

  constructor(ids: {
    runId: string;
    step: string;
    otherRunId: string;
    workflow: string;
    through: 'idempotencyKey' | 'mutex';
  }) {
    const { runId, step, otherRunId, workflow, through } = ids;
    const other = otherRunId === runId ? 'that run itself' : `run "${otherRunId}", which waits for that run`;
    const problem =
      through === 'mutex'
        ? `its child of workflow "${workflow}" needs a mutex that is held by ${other}`
        : `the idempotencyKey of its child names ${other}`;
    super(
      `Step "${step}" of run "${runId}" would wait for ever: ${problem}. ` +
        'Give the child another key, a `timeout`, or start it with emitWorkflow, which does not wait.',
    );
    this.runId = runId;
    this.step = step;
    this.otherRunId = otherRunId;
    this.through = through;
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
 * A `@Step()` method that is called more than once in a run was replayed with other arguments than those its stored result belongs to.
 * Never retried.
 */
export class ReplayMismatchError extends RedflowError {
  readonly code = 'REPLAY_MISMATCH';
  readonly runId: string;
  /** The step whose stored result belongs to other arguments. */
  readonly step: string;

  constructor(ids: { runId: string; step: string }) {
    super(
      `Step "${ids.step}" of run "${ids.runId}" was stored under other arguments than it is called with now: the handler has changed, or is ` +
        'not deterministic. Calls of a @Step() method are told apart by their order: give each a name made of its arguments, ' +
        '@Step({ name: (id) => "send:" + id }).',
    );
    this.runId = ids.runId;
    this.step = ids.step;
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
