import type { ClientOptions, EmitOptions, EmittedEvent, RunHandle } from '../core/api/client.types.js';
import type { EventRef } from '../core/api/event.types.js';
import type { WorkflowRegistry } from '../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../core/checks/checks.js';
import { subscriberRunIdOf } from '../core/ids.js';
import { asRegistry, defaultRegistry } from '../core/workflows/registry.js';
import { type ClassResolver, WorkflowDirectory } from '../creation/workflow-directory.js';
import { CLIENT_OPTION_NAMES, resolveClientOptions } from '../options/resolve-client-options.js';
import { RedisConnection } from '../redis/connection/connection.js';
import { Keyspace } from '../redis/keyspace.js';
import { WorkflowMetas } from '../redis/registry/workflow-metas.js';
import { interceptionOf } from '../redis/script/intercepted-call.js';
import { ScriptRunner } from '../redis/script/script-runner.js';
import { WriteBuffer } from '../redis/script/write-buffer.js';
import { BulkCanceler } from './bulk-canceler.js';
import { EventPublisher } from './event-publisher.js';
import { EventQueries } from './event-queries.js';
import { PendingCalls } from './pending-calls.js';
import { ResultListener } from './result-listener.js';
import { Retention } from './retention.js';
import { RunCanceler } from './run-canceler.js';
import { type CreatedRun, RunCreator } from './run-creator.js';
import { RunExporter } from './run-exporter.js';
import { ClientRunHandle } from './run-handle.js';
import { RunQueries } from './run-queries.js';
import { RunResumer } from './run-resumer.js';
import { RunRetrier } from './run-retrier.js';
import { RunSearch } from './run-search.js';
import { ScheduleAdmin } from './schedule-admin.js';
import { WorkflowForgetter } from './workflow-forgetter.js';

/** How long a close goes on trying to reach a Redis that is away. */
const CLOSE_GIVES_UP_AFTER_MS = 5_000;

/** A thousand creates leave without waiting for one another's answers. */
const BUFFER = { depth: 8, smallest: 64 };

/** What a framework adds to a client. */
export interface ClientInternals {
  /** Finds the definition that a decorated class stands for. */
  readonly resolveClass?: ClassResolver;
  /** Workflows known in this process. @default the default registry */
  readonly registry?: WorkflowRegistry;
}

/** Those who do what a client offers, on one connection. */
export class ClientParts {
  readonly connection: RedisConnection;
  readonly buffer: WriteBuffer;
  readonly queries: RunQueries;
  readonly exporter: RunExporter;
  readonly search: RunSearch;
  readonly metas: WorkflowMetas;
  readonly creator: RunCreator;
  readonly canceler: RunCanceler;
  readonly bulkCanceler: BulkCanceler;
  readonly resumer: RunResumer;
  readonly retrier: RunRetrier;
  readonly events: EventQueries;
  readonly publisher: EventPublisher;
  readonly retention: Retention;
  readonly schedules: ScheduleAdmin;
  readonly forgetter: WorkflowForgetter;
  private readonly pending = new PendingCalls();
  private readonly results: ResultListener;
  private closing: Promise<void> | undefined;

  /** @throws InvalidOptionError */
  constructor(options: ClientOptions, internals: ClientInternals) {
    rejectUnknownKeys(options, CLIENT_OPTION_NAMES, 'createClient()');
    const resolved = resolveClientOptions(options);
    const { logger, maxPayloadBytes, sealer, interceptors, waitReplicas } = resolved;
    const keys = new Keyspace(resolved.prefix);
    this.connection = new RedisConnection(resolved, logger, 'client', { keys, waits: waitReplicas !== undefined });
    const runner = new ScriptRunner(this.connection, keys, waitReplicas, interceptionOf(resolved));
    this.buffer = new WriteBuffer(runner, BUFFER, sealer);
    this.exporter = new RunExporter(this.connection, keys, this.buffer, sealer);
    this.search = new RunSearch(this.buffer);
    this.metas = new WorkflowMetas(this.connection, keys);
    const registry = asRegistry(internals.registry ?? defaultRegistry);
    this.queries = new RunQueries(this.connection, keys, this.buffer, sealer, registry, this.metas);
    const directory = new WorkflowDirectory(registry, this.metas, internals.resolveClass ?? (() => undefined));
    const host = { directory, maxPayloadBytes, sealer, interceptors };
    this.creator = new RunCreator(this.buffer, this.pending, host);
    this.events = new EventQueries(this.connection, keys, this.buffer);
    this.publisher = new EventPublisher(this.buffer, this.pending, host);
    this.canceler = new RunCanceler(this.buffer, this.pending);
    this.bulkCanceler = new BulkCanceler(this.buffer, this.pending);
    this.resumer = new RunResumer(this.buffer, this.pending);
    this.retrier = new RunRetrier(this.connection, keys, this.buffer, this.pending, directory);
    this.retention = new Retention(this.connection, keys, this.buffer, resolved.retentionMs);
    this.forgetter = new WorkflowForgetter(this.buffer, this.pending, this.metas);
    this.schedules = new ScheduleAdmin(this.buffer, this.pending, host);
    const errorsOf = (workflow: string) =>
      resolved.errors.preferring(registry.versionsOf(workflow).flatMap(({ options }) => options.errors ?? []));
    this.results = new ResultListener(this.connection, keys, this.buffer, sealer, logger, errorsOf);
  }

  async emit<T>(ref: EventRef<T>, data: T, options: EmitOptions): Promise<EmittedEvent> {
    const { event, deduplicated } = await this.publisher.emit(ref, data, options);
    const delivered = event.deliveries.filter(({ status }) => status === 'delivered');
    const handles = delivered.map(({ workflow, runId }) => {
      const isJoined = runId !== subscriberRunIdOf(event.id, workflow);
      return this.handleOf({ id: runId as string, deduplicated: deduplicated || isJoined });
    });
    return { event, handles, resumedRunIds: event.resumedRunIds, deduplicated };
  }

  handleOf<O>({ id, deduplicated }: CreatedRun): RunHandle<O> {
    return new ClientRunHandle<O>(id, deduplicated, this.queries, this.results, this.canceler);
  }

  stopWaiting(): number {
    return this.results.stopWaiting();
  }

  /** Lets what was issued finish, then closes. */
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
}
