import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RunInterceptor } from './interceptor.types.js';
import type { RunRecord, RunStatus, StoredError } from './run.types.js';
import type { ContextCarrier, Duration, ErrorClass, LoggerPort, PayloadCodec, When } from './values.types.js';

/** Where a namespace of runs is, and how its payloads are stored: the same for clients and workers. */
export interface ClientOptions {
  /** Names this application in metadata and logs. @default env REDFLOW_APP, else 'app' */
  app?: string | undefined;
  /**
   * `redis://`, `rediss://` for TLS, or `unix://` for a socket. `#`, `/`, `?` and `@` in a password are written with `encodeURIComponent()`.
   * @default env REDIS_URL, else redis://127.0.0.1:6379
   */
  url?: string | undefined;
  /**
   * Options of ioredis (5.6 or newer, or 6), or a client or cluster of yours: its address, credentials and TLS settings are taken for
   * connections of our own, and itself is neither used nor closed. Wins over `url`. Options that change keys or replies (`keyPrefix`,
   * `stringNumbers`) or read from replicas are refused.
   */
  connection?: Redis | Cluster | RedisOptions | undefined;
  /**
   * How long the boot (`connect()`, the start of a worker) tries to reach a Redis that is not there or takes no writes, in
   * milliseconds. @default 10 000
   */
  connectTimeoutMs?: number | undefined;
  /**
   * How long a call of a client is repeated while Redis is away before it fails with `ConnectionError`, in milliseconds; 50 000 at most.
   * Longer than a failover takes: in a Redis Cluster its `cluster-node-timeout` (15 s by default) and a few seconds. Workers do not
   * give up. @default 30 000
   */
  giveUpAfterMs?: number | undefined;
  /** Namespace of all keys. @default env REDFLOW_PREFIX, else 'redflow:v1' */
  prefix?: string | undefined;
  /** Largest input or output, in UTF-8 bytes of its JSON before any codec. @default 1 MiB */
  maxPayloadBytes?: number | undefined;
  /**
   * Encrypts or compresses inputs, outputs, progress, errors and event data; everything else is stored as it is. The same for every
   * client and worker of a namespace. What was stored before it was set stays readable. @default none
   */
  codec?: PayloadCodec | undefined;
  /**
   * Error classes of yours that errors are rebuilt as, besides those of this library and the built-in ones: in handlers, in the `cause` of
   * `RunFailedError`, and wherever else a stored error is thrown or handed over. Prototype and fields are restored, no constructor is
   * called. They are known by their names; a class that is not listed becomes the nearest listed or built-in class that it extends.
   * @default none
   */
  errors?: readonly ErrorClass[] | undefined;
  /**
   * Carries the context of calls that create runs and emit events to the handlers, compensations and failure hooks of those runs, and on
   * to their children. Runs of schedules have none. @default none
   */
  context?: ContextCarrier | undefined;
  /**
   * Wrap creations, emissions, passes, functions of steps, and calls of Redis: for traces, metrics, logs and the like. The first is the
   * outermost. @default none
   */
  interceptors?: readonly RunInterceptor[] | undefined;
  /**
   * Makes creates and emissions of clients wait until so many replicas have them: a failover may lose what none has. Fewer within
   * `timeout` (10 s at most) are a `ReplicationError`. Not for a `Cluster`. @default none
   */
  waitReplicas?: { count: number; timeout: Duration } | undefined;
  /** How long ended runs are kept. @default env REDFLOW_RUN_RETENTION_DAYS, else 30 days */
  retention?: Duration | undefined;
  /**
   * How long a workflow of this process is kept while no worker serves it: until then its events go on creating runs, and schedules,
   * pauses and limits stay as they are. Its runs are never deleted by that. @default '7d'
   */
  forgetAfter?: Duration | undefined;
  logger?: LoggerPort | undefined;
}

/** Options of calls that create a run. */
export interface CreateOptions {
  /** Your own id; a second create with it returns the first run. @default a time-ordered id */
  runId?: string | undefined;
  /** A `Date`, or a delay from now; the past means now. @default now */
  runAt?: When | undefined;
  queue?: string | undefined;
  /** Creates with one key and workflow return one run for as long as `idempotencyTtl`. */
  idempotencyKey?: string | undefined;
  /** Counted from creation. @default '24h' */
  idempotencyTtl?: Duration | undefined;
  /** What a second create with a different input does. @default 'return' */
  onConflict?: 'return' | 'error' | undefined;
  /** Accept a workflow name that neither this process nor Redis knows yet. @default false */
  allowUnknown?: boolean | undefined;
  /** 0 to 9, higher first. @default the workflow's, else 0 */
  priority?: number | undefined;
  /** At most 16; names up to 64 bytes, values up to 256. */
  tags?: Record<string, string> | undefined;
  /** Attempts in all, the first included. @default the workflow's, else 3 */
  maxAttempts?: number | undefined;
  /**
   * Pins the run to this version of its workflow: only workers that have it execute the run. Not for a debounced workflow.
   * @default the version that is current when the run begins
   */
  version?: string | undefined;
}

/** Options of `cancelRun`. */
export interface CancelOptions {
  /** Up to 1,024 bytes; kept on the run and given to those who wait for it. */
  reason?: string | undefined;
  /** False leaves what completed steps did. @default true */
  compensate?: boolean | undefined;
  /**
   * Cancels the run's failure hook in its place: the `onFailure` of a run that has failed, while `failureHook.status` is `pending`. The
   * run stays failed, the hook fails with `RunCanceledError`, and what it has started goes on.
   * @default false
   */
  failureHook?: boolean | undefined;
}

/** Options of `retryRun`. */
export interface RetryRunOptions {
  /** Pins the run to another version of its workflow. @default the version that it has */
  version?: string | undefined;
}

/** What `cancelRun` came to. */
export interface CancelResult {
  /**
   * True for exactly the call that decides that the run, or its failure hook, ends canceled; false when it had ended, or was canceled before.
   */
  canceled: boolean;
  /** Of the run after the call: a running one is `running` until its handler settles. */
  status: RunStatus;
}

/** A run to wait for, look at or cancel. */
export interface RunHandle<O = unknown> {
  readonly id: string;
  /** True when the run existed before this call. */
  readonly deduplicated: boolean;
  /**
   * The record of the run, as `getRun` reads it.
   * @throws RunNotFoundError
   */
  getState(): Promise<RunRecord<unknown, O>>;
  /**
   * Waits for the end of the run, however long that takes unless `timeoutMs` says otherwise; pushed by Redis, not polled.
   * @throws RunFailedError (its cause is the run's error), RunCanceledError, ResultTimeoutError, RunNotFoundError; ConnectionError, with
   *   the `runId`, when the client or the application closes: the run goes on
   */
  result(options?: { timeoutMs?: number | undefined; signal?: AbortSignal | undefined }): Promise<O>;
  /**
   * Cancels the run: see `RedflowClient.cancelRun`.
   * @throws RunNotFoundError
   */
  cancel(options?: CancelOptions): Promise<CancelResult>;
}

/** A part of a list. Where it has a `cursor` there may be more, also if it is short or empty. */
export interface Page<T> {
  items: T[];
  /** Hand it back to get the next page; absent after the last. */
  cursor?: string;
}

/** Which runs `listRuns` lists, and how many at once; criteria that are given together are combined. */
export interface RunFilter {
  status?: RunStatus | RunStatus[] | undefined;
  workflow?: string | undefined;
  queue?: string | undefined;
  /** All of them match exactly. */
  tag?: Record<string, string> | undefined;
  /** Runs that steps of this run have started. */
  parentRunId?: string | undefined;
  /** Epoch ms; a run created at this time counts. */
  createdAfter?: number | undefined;
  /** Epoch ms; a run created at this time counts. */
  createdBefore?: number | undefined;
  /** @default 'desc', newest first */
  sort?: 'asc' | 'desc' | undefined;
  /** 1 to 1,000. @default 50 */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Options of `resumeRun` and `resumeRuns`. */
export interface ResumeOptions {
  /** Leaves the steps behind that the run has missed. @default false */
  accept?: boolean | undefined;
}

/** What `searchRuns` looks for. */
export interface RunSearchQuery extends RunFilter {
  /** What the id, the idempotency key, a tag value or the workflow begins with; upper and lower case differ. */
  text: string;
}

/** Options of `emitEvent` and `emitEventDetailed`. */
export interface EmitOptions {
  /** Your own id, unique in the namespace: a second emit with it, whatever its data, returns the first's result. @default a time-ordered id */
  eventId?: string | undefined;
  /** What `waitForEvent` matches besides the name: 1 to 512 bytes of text. */
  correlationKey?: string | undefined;
  /** When it happened, epoch ms. @default the Redis time of the emission */
  ts?: number | undefined;
}

/** An event, as it is kept for as long as runs are. */
export interface EventRecord {
  id: string;
  name: string;
  ts: number;
  data: unknown;
  correlationKey?: string;
  /** Workflows that were subscribed. */
  subscriberCount: number;
  deliveryCount: number;
  failedDeliveryCount: number;
  fanoutStatus: 'pending' | 'complete' | 'partial' | 'failed' | 'no_subscribers';
  /** Waits that the event has ended. */
  resumedRunCount: number;
  /** Their runs; the first hundred in a list of events. */
  resumedRunIds: string[];
  deliveries: Array<{ workflow: string; runId?: string; status: 'delivered' | 'failed' | 'skipped'; error?: StoredError }>;
}

/** What an emission has started and resumed. */
export interface EmittedEvent {
  event: EventRecord;
  /** Of the runs created. */
  handles: RunHandle[];
  resumedRunIds: string[];
  /** True when an event of this id was emitted before. */
  deduplicated: boolean;
}

/** Which events `listEvents` lists, and how many at once. */
export interface EventFilter {
  name?: string | undefined;
  /** @default 'desc', newest first */
  sort?: 'asc' | 'desc' | undefined;
  /** 1 to 1,000. @default 50 */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** An event that workflows subscribe to; with a pattern as its name if they do so by one. */
export interface EventSubscription {
  name: string;
  /** Names of the workflows. */
  subscribers: string[];
}

/** What `getVersions` says of a workflow: whether code of it can be deleted. */
export interface WorkflowVersions {
  /** The version that new runs are pinned to; absent: they begin without. */
  current?: string;
  /**
   * Every version that has runs, or that a worker has declared. `openRuns`: pinned to it and not ended; `pendingHooks`: failed runs whose
   * `onFailure` has not ended; `workers`: how many living ones serve it.
   */
  versions: Array<{ version: string; openRuns: number; pendingHooks: number; workers: number }>;
  /** Open runs without a version: they began without one, or have not begun. `workers`: how many serve the workflow, in whatever version. */
  unpinned: { openRuns: number; workers: number };
  /** How many open runs `ctx.patched(id)` has answered with true and with false, until their `onFailure` has ended. */
  patches: Array<{ id: string; patched: number; unpatched: number }>;
}

/** Numbers of a namespace, for dashboards and alarms. */
export interface Stats {
  /** How many runs there are of each status. */
  runs: Record<RunStatus, number>;
  /** `depth` counts all queued runs that no gate holds up, `workers` the living ones that serve the queue. */
  queues: Array<{ name: string; depth: number; oldestAgeMs: number; paused: boolean; workers: number }>;
  workers: Array<{
    id: string;
    app: string;
    deployment: string;
    queues: string[];
    concurrency: number;
    running: number;
    lastSeenAt: number;
  }>;
  /** Runs that made no progress for `watchdog.stalledForMs` though their worker lives. */
  stalledRuns: string[];
  /**
   * What no living worker serves in its queue, a workflow or a `version` of one, with its queued runs, which rest until one does: all that
   * has runs, and also without any workflows that are known in this process and up to 1,000 others, whose schedules do not fire meanwhile.
   */
  unserved: Array<{ workflow: string; queue: string; version?: string; runs: number }>;
  /**
   * Workflows with runs whose code does not come to what is stored of them (`blockedBy: 'code'`), failure hooks included, and how many: all
   * that another deployment has not begun to try again. `listRuns` and `getRun` say which, and why.
   */
  blocked: Array<{ workflow: string; runs: number }>;
}
