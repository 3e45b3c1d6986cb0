import { RedflowError } from './redflow.error.js';

interface IdempotencyConflict {
  /** The run that was there first. */
  existingRunId: string;
  /** The workflow the call asked for. */
  workflow: string;
  /** The idempotency key, if that is what met. */
  key?: string;
  /** The caller's run id, if that is what met. */
  runId?: string;
  /** What differs from the existing run. */
  problem: 'input' | 'workflow';
}

/** A create met an existing run that is not the same request. Nothing was written. */
export class IdempotencyConflictError extends RedflowError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
  readonly existingRunId: string;
  readonly workflow: string;
  readonly key?: string;
  readonly runId?: string;
  readonly problem: 'input' | 'workflow';

  constructor(ids: IdempotencyConflict) {
    super(conflictMessage(ids));
    this.existingRunId = ids.existingRunId;
    this.workflow = ids.workflow;
    this.key = ids.key;
    this.runId = ids.runId;
    this.problem = ids.problem;
  }
}

function conflictMessage({ existingRunId, workflow, key, problem }: IdempotencyConflict): string {
  if (problem === 'workflow') {
    return `Run "${existingRunId}" exists and is not of workflow "${workflow}". Run ids are unique over all workflows: use another one.`;
  }
  const taken =
    key === undefined
      ? `Run "${existingRunId}" of workflow "${workflow}" exists with a different input. Use another run id`
      : `Idempotency key "${key}" of workflow "${workflow}" belongs to run "${existingRunId}", which has a different input. Use another key`;
  return `${taken}, or drop \`onConflict: 'error'\` to get the existing run.`;
}

interface RateLimit {
  workflow: string;
  /** `''` for a limit without a key function. */
  key: string;
  limit: number;
  /** Milliseconds. */
  period: number;
  retryAfterMs: number;
  created?: number;
}

/** A create was over the `rateLimit` of its workflow. Nothing was written for it. */
export class RateLimitedError extends RedflowError {
  readonly code = 'RATE_LIMITED';
  readonly workflow: string;
  readonly key: string;
  readonly limit: number;
  /** Milliseconds. */
  readonly period: number;
  /** Milliseconds until the limit takes one more run. A run that fails with this error waits as long before its next attempt. */
  readonly retryAfterMs: number;
  /** From `runMany()`: how many of its runs there are. */
  readonly created?: number;

  constructor({ workflow, key, limit, period, retryAfterMs, created }: RateLimit) {
    const forKey = key === '' ? '' : ` for key "${key}"`;
    const others = created === undefined ? '' : ` ${created} of the runs were created.`;
    // As `limited_error` in redis/limits/admission.lua says it.
    super(
      `Workflow "${workflow}" is over its rateLimit of ${limit} per ${period} ms${forKey}. Try again in ${retryAfterMs} ms.${others}`,
    );
    this.workflow = workflow;
    this.key = key;
    this.limit = limit;
    this.period = period;
    this.retryAfterMs = retryAfterMs;
    if (created !== undefined) this.created = created;
  }
}

/** Neither this process nor the registry in Redis knows the workflow. */
export class UnknownWorkflowError extends RedflowError {
  readonly code = 'UNKNOWN_WORKFLOW';
  readonly workflow: string;
  /** Known names close to the one asked for, best first. */
  readonly suggestions: readonly string[];

  /** @param ids `isClass`: it was asked for by a class of that name, which is not a workflow's */
  constructor(ids: { workflow: string; suggestions: readonly string[]; isClass?: boolean }) {
    const meant = ids.suggestions.map((name) => `"${name}"`).join(', ');
    super(
      `There is no workflow ${ids.isClass ? 'of class ' : ''}"${ids.workflow}"${meant === '' ? '.' : `; did you mean ${meant}?`} ` +
        (ids.isClass
          ? 'Put @Workflow() on it. Only the client of RedflowModule knows classes; others take a definition or a name.'
          : 'Define it here, start a worker that does, or pass `allowUnknown: true`.'),
    );
    this.workflow = ids.workflow;
    this.suggestions = ids.suggestions;
  }
}

/** A living worker serves the workflow that was to be forgotten: it would declare it again. */
export class WorkflowServedError extends RedflowError {
  readonly code = 'WORKFLOW_SERVED';
  readonly workflow: string;

  constructor(ids: { workflow: string }) {
    super(
      `Workflow "${ids.workflow}" cannot be forgotten: a living worker serves it. Stop the workers that define it first; one that crashed ` +
        'counts until its lease is over.',
    );
    this.workflow = ids.workflow;
  }
}

/** Nobody has declared the version of a workflow that a run is to be pinned to: it would wait for ever. */
export class UnknownVersionError extends RedflowError {
  readonly code = 'UNKNOWN_VERSION';
  readonly workflow: string;
  readonly version: string;
  /** Versions that this process or the registry in Redis knows. */
  readonly known: readonly string[];

  constructor(ids: { workflow: string; version: string; known: readonly string[] }) {
    const known = ids.known.map((version) => `"${version}"`).join(', ');
    super(
      `Workflow "${ids.workflow}" has no version "${ids.version}"; ${known === '' ? 'it has no versions at all' : `known are ${known}`}. ` +
        'Start a worker that defines it first, or leave `version` out.',
    );
    this.workflow = ids.workflow;
    this.version = ids.version;
    this.known = ids.known;
  }
}
