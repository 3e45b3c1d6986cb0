/**
 * `scheduled` waits for its start time, `queued` for a worker, `waiting` is parked (sleep or retry backoff) and holds no
 * worker slot; `succeeded`, `failed` and `canceled` are final.
 */
export type RunStatus = 'scheduled' | 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'canceled';

/** What has created a run, or `retry` for one that `retryRun` let go on. */
export type RunTrigger = 'api' | 'event' | 'cron' | 'child' | 'retry';

/** An error as it is stored: its own enumerable JSON fields are kept beside the known ones, causes up to ten deep. */
export interface StoredError {
  name: string;
  message: string;
  /** Names of its class and of those that this extends, `Error` not: absent where they follow from `name` and `code`. */
  classNames?: string[];
  stack?: string;
  code?: string;
  cause?: StoredError;
  [field: string]: unknown;
}

/** A run whose code does not come to what is stored of it. */
export interface BlockedRun {
  by: 'code';
  /** What has happened, in a sentence. */
  message: string;
  /** The new step that the code asked for. */
  step?: string;
  /** The stored steps that it did not ask for, the earliest first. */
  missing: string[];
  /** The deployment whose code it was. */
  deployment?: string;
}

/** What a run's code is told of it. */
export interface RunInfo {
  readonly id: string;
  readonly workflow: string;
  readonly queue: string;
  /** Counts from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly parentRunId?: string;
  readonly rootRunId: string;
}

/** One execution of a workflow. All times are epoch milliseconds of the Redis clock. */
export interface RunRecord<I = unknown, O = unknown> {
  id: string;
  workflow: string;
  queue: string;
  status: RunStatus;
  input: I;
  output?: O;
  /** The error of the terminal failure or, while the run waits for its retry, of the last failed attempt. */
  error?: StoredError;
  /** 1 + the failures so far. Parks, recoveries and hand-backs do not raise it. */
  attempt: number;
  maxAttempts: number;
  /** How often the run was taken from a worker that stopped renewing its lease. */
  recoveries: number;
  priority: number;
  tags: Record<string, string>;
  /** The version that the run is pinned to since it began, or since it was created; absent for one that began without. */
  version?: string;
  trigger: RunTrigger;
  createdAt: number;
  /** When the run may next be claimed: its start time, or the end of its sleep or backoff. */
  availableAt: number;
  startedAt?: number;
  finishedAt?: number;
  parentRunId?: string;
  parentStep?: string;
  rootRunId: string;
  /** The event that started the run. */
  eventId?: string;
  /** The schedule that started the run. */
  scheduleId?: string;
  /** The nominal instant of the schedule that the run is for. */
  scheduledFor?: number;
  idempotencyKey?: string;
  workerId?: string;
  /**
   * What a queued run waits for before it may start, or go on; `worker`: no living worker serves its workflow, version and queue; `code` is explained
   * by `blocked`.
   */
  blockedBy?: 'mutex' | 'throttle' | 'maxConcurrency' | 'worker' | 'code';
  /** Why the run, or its failure hook, is set aside until its code is mended, it is resumed or canceled. */
  blocked?: BlockedRun;
  /** Stored steps that the pass in which the run succeeded did not ask for: its code had changed, or is not deterministic. */
  unasked?: string[];
  /** When `cancelRun` decided that the run ends canceled. */
  cancelRequestedAt?: number;
  cancelReason?: string;
  /** True while compensations of completed steps run; the outcome is written afterwards. */
  compensating?: boolean;
  /** Compensations that failed for good, each with the name of its `step`. */
  compensationErrors?: StoredError[];
  /** What `ctx.patched()` has answered in this run, by id; absent before the first answer. */
  patches?: Record<string, boolean>;
  /** What became of the workflow's `onFailure`, once the run has failed. */
  failureHook?: { status: 'pending' | 'succeeded' | 'failed'; error?: StoredError };
}

/** Which call a step is: the names follow those of `ctx.step`. */
export type StepKind = 'run' | 'sleep' | 'event' | 'child' | 'emit_workflow' | 'emit_event' | 'any';

/** What is stored of a step, as `getRunSteps` shows it. */
export interface StepRecord {
  name: string;
  kind: StepKind;
  status: 'running' | 'waiting' | 'succeeded' | 'failed';
  output?: unknown;
  error?: StoredError;
  /** How often the step's function was started, as far as Redis knows. */
  attempt: number;
  startedAt: number;
  finishedAt?: number;
  /** When a sleep ends, or a failed step is tried again. */
  wakeAt?: number;
  progress?: unknown;
  /** The run that a step of kind `child` or `emit_workflow` has started, or the child that won a step of kind `any`. */
  childRunId?: string;
}

/** One pass of the handler. */
export interface AttemptRecord {
  attempt: number;
  workerId: string;
  startedAt: number;
  finishedAt?: number;
  outcome?: 'succeeded' | 'failed' | 'parked' | 'handed_back' | 'lost' | 'blocked' | 'canceled';
  error?: StoredError;
}
