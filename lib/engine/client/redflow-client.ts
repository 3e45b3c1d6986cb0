import type {
  CancelOptions,
  CancelResult,
  ClientOptions,
  CreateOptions,
  EmitOptions,
  EmittedEvent,
  EventFilter,
  EventRecord,
  EventSubscription,
  Page,
  ResumeOptions,
  RetryRunOptions,
  RunFilter,
  RunHandle,
  RunSearchQuery,
  Stats,
  WorkflowVersions,
} from '../core/api/client.types.js';
import type { EventRef } from '../core/api/event.types.js';
import type { ExportedRun } from '../core/api/exported-run.types.js';
import type { ScheduleRecord, WorkflowMeta } from '../core/api/registry.types.js';
import type { AttemptRecord, RunRecord, StepRecord } from '../core/api/run.types.js';
import type { WorkflowRef } from '../core/api/workflow.types.js';
import { canBeName, checkName } from '../core/checks/checks.js';
import type { RedisConnection } from '../redis/connection/connection.js';
import { pauseQueue } from '../redis/queues/pause-queue.js';
import { resumeQueue } from '../redis/queues/resume-queue.js';
import type { WorkflowMetas } from '../redis/registry/workflow-metas.js';
import type { WriteBuffer } from '../redis/script/write-buffer.js';
import { BulkCanceler } from './cancellation/bulk-canceler.js';
import { RunCanceler } from './cancellation/run-canceler.js';
import { type ClientInternals, clientContextOf } from './client-context.js';
import { EventPublisher } from './events/event-publisher.js';
import { EventQueries } from './events/event-queries.js';
import type { PendingCalls } from './pending-calls.js';
import { RunExporter } from './queries/run-exporter.js';
import { RunQueries } from './queries/run-queries.js';
import { RunSearch } from './queries/run-search.js';
import { WorkflowForgetter } from './registry/workflow-forgetter.js';
import { Retention } from './retention/retention.js';
import { ResultListener } from './runs/result-listener.js';
import { type CreatedRun, RunCreator } from './runs/run-creator.js';
import { ClientRunHandle } from './runs/run-handle.js';
import { RunResumer } from './runs/run-resumer.js';
import { RunRetrier } from './runs/run-retrier.js';
import { ScheduleAdmin } from './schedules/schedule-admin.js';

/** How long a close goes on trying to reach a Redis that is away. */
const CLOSE_GIVES_UP_AFTER_MS = 5_000;

/**
 * Creates runs and reads what became of them. Connects with its first call.
 *
 * Calls are repeated while Redis is away and fail with `ConnectionError` after `giveUpAfterMs`; a repeated create makes one run.
 */
export class RedflowClient {
  private readonly connection: RedisConnection;
  private readonly buffer: WriteBuffer;
  private readonly pending: PendingCalls;
  private readonly metas: WorkflowMetas;
  private readonly creator: RunCreator;
  private readonly canceler: RunCanceler;
  private readonly bulkCanceler: BulkCanceler;
  private readonly retrier: RunRetrier;
  private readonly resumer: RunResumer;
  private readonly results: ResultListener;
  private readonly queries: RunQueries;
  private readonly search: RunSearch;
  private readonly exporter: RunExporter;
  private readonly publisher: EventPublisher;
  private readonly events: EventQueries;
  private readonly schedules: ScheduleAdmin;
  private readonly forgetter: WorkflowForgetter;
  private readonly retention: Retention;
  private closing: Promise<void> | undefined;

  /** @throws InvalidOptionError */
  constructor(options?: ClientOptions);
  /** @internal What a framework adds. */
  constructor(options: ClientOptions, internals: ClientInternals);
  constructor(options: ClientOptions = {}, internals: ClientInternals = {}) {
    const context = clientContextOf(options, internals);
    const { connection, keys, buffer, pending, sealer, logger, registry, metas, directory, errors, retentionMs } = context;
    this.connection = connection;
    this.buffer = buffer;
    this.pending = pending;
    this.metas = metas;
    this.creator = new RunCreator(buffer, pending, context);
    this.canceler = new RunCanceler(buffer, pending);
    this.bulkCanceler = new BulkCanceler(buffer, pending);
    this.retrier = new RunRetrier(connection, keys, buffer, pending, directory);
    this.resumer = new RunResumer(buffer, pending);
    const errorsOf = (workflow: string) =>
      errors.preferring(registry.versionsOf(workflow).flatMap(({ options: { errors: own } }) => own ?? []));
    this.results = new ResultListener(connection, keys, buffer, sealer, logger, errorsOf);
    this.queries = new RunQueries(connection, keys, buffer, sealer, registry, metas);
    this.search = new RunSearch(buffer);
    this.exporter = new RunExporter(connection, keys, buffer, sealer);
    this.publisher = new EventPublisher(buffer, pending, context);
    this.events = new EventQueries(connection, keys, buffer);
    this.schedules = new ScheduleAdmin(buffer, pending, context);
    this.forgetter = new WorkflowForgetter(buffer, pending, metas);
    this.retention = new Retention(connection, keys, buffer, retentionMs);
  }

  /**
   * Connects and checks the server, for those who want to know early. Tries for `connectTimeoutMs`.
   * @throws ConnectionError naming host, port and option; UnsupportedRedisError before Redis 6.2
   */
  async connect(): Promise<void> {
    await this.connection.reach();
  }

  /**
   * Creates a run; the input's type follows from the class or definition.
   * @throws InputValidationError, InvalidOptionError, PayloadTooLargeError, SerializationError, IdempotencyConflictError,
   *   UnknownWorkflowError, UnknownVersionError, ConnectionError
   */
  async run<I, O>(workflow: WorkflowRef<I, O>, input: I, options?: CreateOptions): Promise<RunHandle<O>> {
    return this.handleOf(await this.creator.create(workflow, input, options));
  }

  /** Creates a run of a workflow known by name, in this process or in Redis. */
  runByName<O = unknown>(name: string, input: unknown, options?: CreateOptions): Promise<RunHandle<O>> {
    return this.run<unknown, O>(name, input, options);
  }

  /** The same as {@link runByName}, under the name the siblings of this library use. */
  emitWorkflow<O = unknown>(name: string, input: unknown, options?: CreateOptions): Promise<RunHandle<O>> {
    return this.runByName(name, input, options);
  }

  /** Creates many runs in few calls. If one item is invalid nothing is written. */
  async runMany<I, O>(workflow: WorkflowRef<I, O>, items: Array<{ input: I } & CreateOptions>): Promise<RunHandle<O>[]> {
    return (await this.creator.createMany(workflow, items)).map((created) => this.handleOf<O>(created));
  }

  /** A handle of an existing run; nothing is asked of Redis yet. @throws InvalidOptionError unless the id is a string */
  getHandle<O = unknown>(runId: string): RunHandle<O> {
    canBeName(runId, 'runId');
    return this.handleOf({ id: runId, deduplicated: true });
  }

  /**
   * Cancels a run and its descendants. One that is not running ends at once; a running one gets its signal aborted, starts no
   * further step, and ends when its handler settles, at the latest after the worker's `cancelGraceMs`.
   * A second cancellation, or one of a run that has ended, changes nothing and says so. `{ failureHook: true }` cancels the failure hook
   * of a run that has failed.
   * @throws RunNotFoundError, InvalidOptionError, ConnectionError
   */
  cancelRun(runId: string, options?: CancelOptions): Promise<CancelResult> {
    return this.canceler.cancel(runId, options);
  }

  /**
   * Cancels all runs that match and have not ended, each as {@link cancelRun} does; runs created meanwhile are left. Statuses are
   * those that a run must still be in.
   * @returns how many this call has canceled, without their descendants
   * @throws InvalidOptionError, for a filter without any criterion too; ConnectionError, after which some may be canceled
   */
  cancelRuns(
    filter: Omit<RunFilter, 'sort' | 'limit' | 'cursor'>,
    options?: { reason?: string | undefined },
  ): Promise<{ canceled: number }> {
    return this.bulkCanceler.cancel(filter, options);
  }

  /**
   * Lets a failed or canceled run go on in place: completed steps are kept; attempts, deadline and recoveries start anew. Child steps
   * that failed it look at their child again, so retry the child first. Of racing retries one wins. The run keeps its version;
   * `{ version }` pins it to another one.
   * @throws RetryRefusedError, RunNotFoundError, UnknownVersionError, InvalidOptionError, ConnectionError
   */
  async retryRun<O = unknown>(runId: string, options?: RetryRunOptions): Promise<RunHandle<O>> {
    await this.retrier.retry(runId, options);
    return this.getHandle(runId);
  }

  /**
   * Lets a run that is blocked by its code, or the blocked failure hook of a failed run, be executed again, now. With `{ accept: true }` the
   * steps that it missed (`blocked.missing` of its record) are left behind: they are missed no more, and undone only if the handler
   * reaches them.
   * @throws RunNotFoundError, RunNotBlockedError, InvalidOptionError, ConnectionError
   * @example
   * const [run] = (await client.listRuns({ workflow: 'order' })).items;
   * if (run?.blockedBy === 'code') await client.resumeRun(run.id, { accept: true });
   */
  resumeRun(runId: string, options?: ResumeOptions): Promise<void> {
    return this.resumer.resume(runId, options);
  }

  /**
   * Resumes all runs that match and are blocked by their code, each as {@link resumeRun} does. Blocked failure hooks are resumed one by one.
   * @returns how many
   * @throws InvalidOptionError, for a filter without any criterion too; ConnectionError, after which some may be resumed
   */
  resumeRuns(
    filter: Omit<RunFilter, 'status' | 'sort' | 'limit' | 'cursor'>,
    options?: ResumeOptions,
  ): Promise<{ resumed: number }> {
    return this.resumer.resumeAll(filter, options);
  }

  /** Null for an unknown id. */
  async getRun(runId: string): Promise<RunRecord | null> {
    return this.queries.getRun(runId);
  }

  /** The steps in the order in which they completed, open ones last. */
  getRunSteps(runId: string): Promise<StepRecord[]> {
    return this.queries.getRunSteps(runId);
  }

  /** Every pass of the handler, oldest first. */
  getRunAttempts(runId: string): Promise<AttemptRecord[]> {
    return this.queries.getRunAttempts(runId);
  }

  /** A run with its steps as JSON, payloads in clear, for `replayRun` of `nestjs-redflow/testing`. @throws RunNotFoundError, CodecError */
  exportRun(runId: string): Promise<ExportedRun> {
    return this.exporter.export(runId);
  }

  /** Newest first, 50 a page. A page may be shorter than its limit and still have a cursor. */
  listRuns(filter?: RunFilter): Promise<Page<RunRecord>> {
    return this.queries.listRuns(filter);
  }

  /**
   * Runs of which the id, the idempotency key, a tag value or the workflow begins with a text; each run once, these kinds of match in
   * this order. Inside a kind by the bytes of the text, backwards unless `sort` is 'asc', so that of generated ids the newest is
   * first; matches of the workflow by creation. A page may be shorter than its limit and still have a cursor.
   * @throws InvalidOptionError, ConnectionError
   */
  searchRuns(query: RunSearchQuery): Promise<Page<RunRecord>> {
    return this.search.search(query);
  }

  /**
   * Emits an event: creates a run per subscribed workflow and resumes the runs that wait for its name and correlation key.
   * @returns handles of the runs created
   * @throws InputValidationError, InvalidOptionError, PayloadTooLargeError, SerializationError, ConnectionError
   */
  async emitEvent<T>(event: EventRef<T>, data: T, options?: EmitOptions): Promise<RunHandle[]> {
    return (await this.emitEventDetailed(event, data, options)).handles;
  }

  /** As {@link emitEvent}, with the event's record and the runs it has resumed. */
  async emitEventDetailed<T>(ref: EventRef<T>, data: T, options: EmitOptions = {}): Promise<EmittedEvent> {
    const { event, deduplicated, created } = await this.publisher.emit(ref, data, options);
    const handles = created.map((run) => this.handleOf(run));
    return { event, handles, resumedRunIds: event.resumedRunIds, deduplicated };
  }

  /** Null for an unknown id. */
  async getEvent(eventId: string): Promise<EventRecord | null> {
    return this.events.getEvent(eventId);
  }

  /** Newest first, 50 a page. */
  async listEvents(filter?: EventFilter): Promise<Page<EventRecord>> {
    return this.events.listEvents(filter);
  }

  /** Events that workflows subscribe to, by name or pattern. */
  listEventDefinitions(): Promise<EventSubscription[]> {
    return this.events.listEventDefinitions();
  }

  /** Lets workers start nothing from a queue, which need not exist yet, until it is resumed. What they execute goes on. */
  async pauseQueue(queue: string): Promise<void> {
    await this.buffer.add(pauseQueue(checkName(queue, 'queue')));
  }

  /** Ends the pause of a queue. No change if it is not paused. */
  async resumeQueue(queue: string): Promise<void> {
    await this.buffer.add(resumeQueue(checkName(queue, 'queue')));
  }

  /** All schedules, by id. */
  listSchedules(): Promise<ScheduleRecord[]> {
    return this.schedules.list();
  }

  /** Lets a schedule pass its instants without starting runs. No change if it is paused already. @throws ScheduleNotFoundError */
  async pauseSchedule(id: string): Promise<void> {
    await this.schedules.pause(id);
  }

  /** Ends a pause; what was due meanwhile is not made up. No change if it is not paused. @throws ScheduleNotFoundError */
  async resumeSchedule(id: string): Promise<void> {
    await this.schedules.resume(id);
  }

  /**
   * Starts a run of a schedule now, also of a paused one; its next instant stays.
   * @throws ScheduleNotFoundError, UnknownWorkflowError, InputValidationError for the schedule's input
   */
  async triggerSchedule<O = unknown>(id: string): Promise<RunHandle<O>> {
    return this.handleOf(await this.schedules.trigger(id));
  }

  /**
   * The next instants of a schedule from now on, epoch ms, whether it is paused or not.
   * @param count 1 to 1,000. @default 5
   * @throws ScheduleNotFoundError
   */
  async previewSchedule(id: string, count = 5): Promise<number[]> {
    return this.schedules.preview(id, count);
  }

  /** Names of all workflows that a worker of this namespace has registered. */
  listWorkflows(): Promise<string[]> {
    return this.metas.names();
  }

  /** What is registered of one workflow; null if no worker has registered it. */
  getWorkflowMeta(name: string): Promise<WorkflowMeta | null> {
    return this.metas.get(name);
  }

  /** What is registered of all workflows. */
  listWorkflowsMeta(): Promise<WorkflowMeta[]> {
    return this.metas.all();
  }

  /**
   * Which versions of a workflow have open runs, and which have workers; how many open runs have got which answer of `ctx.patched()`. Costs
   * the same however many runs there are. Empty for a workflow that nobody knows.
   * @example
   * const { versions } = await client.getVersions('order');
   * const deletable = versions.filter(({ openRuns, pendingHooks }) => openRuns + pendingHooks === 0);
   */
  getVersions(workflow: string): Promise<WorkflowVersions> {
    return this.queries.getVersions(workflow);
  }

  /**
   * Removes the subscriptions, schedules, pauses, limits and the name of a workflow that left the code, before `forgetAfter`; its runs stay.
   * @throws UnknownWorkflowError; WorkflowServedError while a living worker serves it
   */
  forgetWorkflow(name: string): Promise<void> {
    return this.forgetter.forget(name);
  }

  /** Costs the same however many runs there are. */
  getStats(): Promise<Stats> {
    return this.queries.getStats();
  }

  /** Deletes ended runs past their retention, as workers do by themselves. @param options.limit at most so many, default 1,000 */
  async cleanupExpiredRunsNow(options: { limit?: number | undefined } = {}): Promise<{ deleted: number }> {
    return this.retention.cleanupRuns(options);
  }

  /** Deletes events past their retention, as workers do by themselves. @param options.limit at most so many, default 1,000 */
  async cleanupExpiredEventsNow(options: { limit?: number | undefined } = {}): Promise<{ deleted: number }> {
    return this.retention.cleanupEvents(options);
  }

  /** For development: deletes all runs, whatever their status. @throws InvalidOptionError unless `confirm` is the client's prefix */
  resetRuns(options: { confirm: string }): Promise<void> {
    return this.retention.reset('runs', options);
  }

  /** As {@link resetRuns}, with events, schedules and all else under the prefix. What live workers declare, they write again. */
  resetState(options: { confirm: string }): Promise<void> {
    return this.retention.reset('state', options);
  }

  /**
   * Rejects the `result()` calls that wait, as {@link close} does, while all else goes on: for a server that stops, since requests whose
   * handlers wait would keep it from closing. Later `result()` calls answer for runs that have ended, and reject for others.
   * @returns for how many runs somebody waited
   */
  stopWaiting(): number {
    return this.results.stopWaiting();
  }

  /** Lets what was issued finish, then closes. Pending `result()` calls reject; a connection that was passed in stays open. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.connection.hurry(CLOSE_GIVES_UP_AFTER_MS);
    await this.results.close();
    await this.pending.idle();
    await this.buffer.idle();
    await this.connection.close();
  }

  private handleOf<O>({ id, deduplicated }: CreatedRun): RunHandle<O> {
    return new ClientRunHandle<O>(id, deduplicated, this.queries, this.results, this.canceler);
  }
}
