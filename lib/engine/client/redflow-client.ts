import type {
  ClientOptions,
  CreateOptions,
  EmitOptions,
  EmittedEvent,
  EventFilter,
  EventRecord,
  EventSubscription,
  Page,
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
import { checkName } from '../core/checks/checks.js';
import { pauseQueue } from '../redis/queues/pause-queue.js';
import { resumeQueue } from '../redis/queues/resume-queue.js';
import { type ClientInternals, ClientParts } from './client-parts.js';
import { RunControls } from './run-controls.js';

/**
 * Creates runs and reads what became of them. Connects with its first call.
 *
 * Calls are repeated while Redis is away and fail with `ConnectionError` after `giveUpAfterMs`; a repeated create makes one run.
 */
export class RedflowClient extends RunControls {
  /** @throws InvalidOptionError */
  constructor(options?: ClientOptions);
  /** @internal What a framework adds. */
  constructor(options: ClientOptions, internals: ClientInternals);
  constructor(options: ClientOptions = {}, internals: ClientInternals = {}) {
    super(new ClientParts(options, internals));
  }

  /**
   * Connects and checks the server, for those who want to know early. Tries for `connectTimeoutMs`.
   * @throws ConnectionError naming host, port and option; UnsupportedRedisError before Redis 6.2
   */
  async connect(): Promise<void> {
    await this.parts.connection.reach();
  }

  /**
   * Creates a run; the input's type follows from the class or definition.
   * @throws InputValidationError, InvalidOptionError, PayloadTooLargeError, SerializationError, IdempotencyConflictError,
   *   UnknownWorkflowError, UnknownVersionError, ConnectionError
   */
  async run<I, O>(workflow: WorkflowRef<I, O>, input: I, options?: CreateOptions): Promise<RunHandle<O>> {
    return this.handleOf(await this.parts.creator.create(workflow, input, options));
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
    return (await this.parts.creator.createMany(workflow, items)).map((created) => this.handleOf<O>(created));
  }

  /** Null for an unknown id. */
  async getRun(runId: string): Promise<RunRecord | null> {
    return this.parts.queries.getRun(runId);
  }

  /** The steps in the order in which they completed, open ones last. */
  getRunSteps(runId: string): Promise<StepRecord[]> {
    return this.parts.queries.getRunSteps(runId);
  }

  /** Every pass of the handler, oldest first. */
  getRunAttempts(runId: string): Promise<AttemptRecord[]> {
    return this.parts.queries.getRunAttempts(runId);
  }

  /** A run with its steps as JSON, payloads in clear, for `replayRun` of `nestjs-redflow/testing`. @throws RunNotFoundError, CodecError */
  exportRun(runId: string): Promise<ExportedRun> {
    return this.parts.exporter.export(runId);
  }

  /** Newest first, 50 a page. A page may be shorter than its limit and still have a cursor. */
  listRuns(filter?: RunFilter): Promise<Page<RunRecord>> {
    return this.parts.queries.listRuns(filter);
  }

  /**
   * Runs of which the id, the idempotency key, a tag value or the workflow begins with a text; each run once, these kinds of match in
   * this order. Inside a kind by the bytes of the text, backwards unless `sort` is 'asc', so that of generated ids the newest is
   * first; matches of the workflow by creation. A page may be shorter than its limit and still have a cursor.
   * @throws InvalidOptionError, ConnectionError
   */
  searchRuns(query: RunSearchQuery): Promise<Page<RunRecord>> {
    return this.parts.search.search(query);
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
  emitEventDetailed<T>(ref: EventRef<T>, data: T, options: EmitOptions = {}): Promise<EmittedEvent> {
    return this.parts.emit(ref, data, options);
  }

  /** Null for an unknown id. */
  async getEvent(eventId: string): Promise<EventRecord | null> {
    return this.parts.events.getEvent(eventId);
  }

  /** Newest first, 50 a page. */
  async listEvents(filter?: EventFilter): Promise<Page<EventRecord>> {
    return this.parts.events.listEvents(filter);
  }

  /** Events that workflows subscribe to, by name or pattern. */
  listEventDefinitions(): Promise<EventSubscription[]> {
    return this.parts.events.listEventDefinitions();
  }

  /** Lets workers start nothing from a queue, which need not exist yet, until it is resumed. What they execute goes on. */
  async pauseQueue(queue: string): Promise<void> {
    await this.parts.buffer.add(pauseQueue(checkName(queue, 'queue')));
  }

  /** Ends the pause of a queue. No change if it is not paused. */
  async resumeQueue(queue: string): Promise<void> {
    await this.parts.buffer.add(resumeQueue(checkName(queue, 'queue')));
  }

  /** All schedules, by id. */
  listSchedules(): Promise<ScheduleRecord[]> {
    return this.parts.schedules.list();
  }

  /** Lets a schedule pass its instants without starting runs. No change if it is paused already. @throws ScheduleNotFoundError */
  async pauseSchedule(id: string): Promise<void> {
    await this.parts.schedules.pause(id);
  }

  /** Ends a pause; what was due meanwhile is not made up. No change if it is not paused. @throws ScheduleNotFoundError */
  async resumeSchedule(id: string): Promise<void> {
    await this.parts.schedules.resume(id);
  }

  /**
   * Starts a run of a schedule now, also of a paused one; its next instant stays.
   * @throws ScheduleNotFoundError, UnknownWorkflowError, InputValidationError for the schedule's input
   */
  async triggerSchedule<O = unknown>(id: string): Promise<RunHandle<O>> {
    return this.handleOf(await this.parts.schedules.trigger(id));
  }

  /**
   * The next instants of a schedule from now on, epoch ms, whether it is paused or not.
   * @param count 1 to 1,000. @default 5
   * @throws ScheduleNotFoundError
   */
  async previewSchedule(id: string, count = 5): Promise<number[]> {
    return this.parts.schedules.preview(id, count);
  }

  /** Names of all workflows that a worker of this namespace has registered. */
  listWorkflows(): Promise<string[]> {
    return this.parts.metas.names();
  }

  /** What is registered of one workflow; null if no worker has registered it. */
  getWorkflowMeta(name: string): Promise<WorkflowMeta | null> {
    return this.parts.metas.get(name);
  }

  /** What is registered of all workflows. */
  listWorkflowsMeta(): Promise<WorkflowMeta[]> {
    return this.parts.metas.all();
  }

  /**
   * Which versions of a workflow have open runs, and which have workers; how many open runs have got which answer of `ctx.patched()`. Costs
   * the same however many runs there are. Empty for a workflow that nobody knows.
   * @example
   * const { versions } = await client.getVersions('order');
   * const deletable = versions.filter(({ openRuns, pendingHooks }) => openRuns + pendingHooks === 0);
   */
  getVersions(workflow: string): Promise<WorkflowVersions> {
    return this.parts.queries.getVersions(workflow);
  }

  /**
   * Removes the subscriptions, schedules, pauses, limits and the name of a workflow that left the code, before `forgetAfter`; its runs stay.
   * @throws UnknownWorkflowError; WorkflowServedError while a living worker serves it
   */
  forgetWorkflow(name: string): Promise<void> {
    return this.parts.forgetter.forget(name);
  }

  /** Costs the same however many runs there are. */
  getStats(): Promise<Stats> {
    return this.parts.queries.getStats();
  }

  /** Deletes ended runs past their retention, as workers do by themselves. @param options.limit at most so many, default 1,000 */
  async cleanupExpiredRunsNow(options: { limit?: number | undefined } = {}): Promise<{ deleted: number }> {
    return this.parts.retention.cleanupRuns(options);
  }

  /** Deletes events past their retention, as workers do by themselves. @param options.limit at most so many, default 1,000 */
  async cleanupExpiredEventsNow(options: { limit?: number | undefined } = {}): Promise<{ deleted: number }> {
    return this.parts.retention.cleanupEvents(options);
  }

  /** For development: deletes all runs, whatever their status. @throws InvalidOptionError unless `confirm` is the client's prefix */
  resetRuns(options: { confirm: string }): Promise<void> {
    return this.parts.retention.reset('runs', options);
  }

  /** As {@link resetRuns}, with events, schedules and all else under the prefix. What live workers declare, they write again. */
  resetState(options: { confirm: string }): Promise<void> {
    return this.parts.retention.reset('state', options);
  }

  /**
   * Rejects the `result()` calls that wait, as {@link close} does, while all else goes on: for a server that stops, since requests whose
   * handlers wait would keep it from closing. Later `result()` calls answer for runs that have ended, and reject for others.
   * @returns for how many runs somebody waited
   */
  stopWaiting(): number {
    return this.parts.stopWaiting();
  }

  /** Lets what was issued finish, then closes. Pending `result()` calls reject; a connection that was passed in stays open. */
  close(): Promise<void> {
    return this.parts.close();
  }
}
