import { setTimeout as delay } from 'node:timers/promises';
import type { BeforeApplicationShutdown, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { RedflowExplorer } from '../discovery/redflow.explorer.js';
import { bootTable } from '../discovery/redflow-boot-table.js';
import { errorListOf, type StepsOf, startHostedWorker } from '../engine/framework.js';
import { RedflowClient, type Stats, type Worker } from '../engine/index.js';
import type { RedflowWorkflowDefinitions } from '../execution/redflow-workflow.definitions.js';
import { minifiedNames } from '../redflow.messages.js';
import type { ResolvedRedflowOptions } from '../redflow.options.js';
import type { RedflowWorkers, WorkingConnection } from './redflow.workers.js';

/** Whether Redis answers, and whether it counts the worker, if there is one, among the living. */
export interface ConnectionHealth {
  readonly redis: 'up' | 'down';
  readonly worker?: 'up' | 'down';
  /** What no living worker serves: workflows of this application, and all that have runs; absent if there is none. The status stays as it is. */
  readonly unserved?: Stats['unserved'];
  /** Workflows with runs that their code blocks, and how many; absent if there is none. The status stays as it is. */
  readonly blocked?: Stats['blocked'];
}

/** As long as a worker without `shutdownTimeoutMs` lets its handlers go on. */
const LONGEST_WAIT_MS = 20_000;

/**
 * For handlers whose wait was rejected to answer before Nest closes the server: a connection that is kept alive and becomes idle only after that
 * holds the server up for the keep-alive timeout of Node, 5 s.
 */
const ANSWER_MS = 100;

/** Node runs a timer at once when its delay is longer: 24 days are as good as for ever here. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Ties the client and the worker of one connection to the life of the application, and owns both: `onModuleInit` discovers the
 * workflows and connects, `onApplicationShutdown` disconnects, so that others can use the client from their first hook to their last.
 * `beforeApplicationShutdown` ends the waits for results: Nest closes its servers next, and these wait for the requests they serve.
 * When the worker begins and ends is for {@link RedflowWorkers} to say.
 */
export class RedflowOrchestrator implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown, WorkingConnection {
  private starting?: Promise<Worker>;
  private readonly draining = new AbortController();
  private lastWait?: NodeJS.Timeout;

  constructor(
    readonly connection: string,
    private readonly client: RedflowClient,
    private readonly options: ResolvedRedflowOptions,
    private readonly explorer: RedflowExplorer,
    private readonly definitions: RedflowWorkflowDefinitions,
    private readonly workers: RedflowWorkers,
    private readonly stepsOf?: StepsOf,
  ) {
    workers.add(this);
  }

  async onModuleInit(): Promise<void> {
    await this.workers.orDisconnect(async () => {
      const workflows = this.explorer.explore();
      await this.definitions.defineAll(workflows);
      const definitions = this.definitions.registry.list();
      this.explorer.checkErrors([
        { errors: this.options.client.errors, place: 'RedflowModule' },
        ...definitions.map(errorListOf),
      ]);
      const minified = this.explorer.minifiedNames(workflows);
      if (minified.length > 0) this.options.client.logger?.warn(minifiedNames(minified));
      if (definitions.length > 0) this.options.client.logger?.debug?.(bootTable(this.connection, workflows, definitions));
      if (this.isClientOurs) await this.client.connect();
    });
  }

  async bootWorker(): Promise<void> {
    if (this.options.worker === false || !this.isClientOurs || this.definitions.registry.list().length === 0) return;
    if (this.draining.signal.aborted) return;
    await this.startWorker();
  }

  /** Undefined for an application without a worker. */
  get worker(): Promise<Worker> | undefined {
    return this.starting;
  }

  /** Starts the worker, or another one in the place of one that is gone. */
  async startWorker(): Promise<void> {
    const { client, worker } = this.options;
    this.starting = startHostedWorker(
      { ...client, ...(worker || {}), registry: this.definitions.registry },
      { resolveClass: (target) => this.definitions.resolveClass(target), stepsOf: this.stepsOf, signal: this.draining.signal },
    );
    await this.starting;
  }

  /** One that is starting is stopped, too: Redis may not be there. */
  async drain(): Promise<void> {
    this.draining.abort();
    this.limitWaits();
    const worker = await this.starting?.catch(() => undefined);
    await worker?.stop();
  }

  async disconnect(): Promise<void> {
    clearTimeout(this.lastWait);
    if (this.isClientOurs) await this.client.close();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.stopWaiting() > 0) await delay(ANSWER_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.disconnect();
  }

  /** Asks Redis; no answer within `timeoutMs` is one, too. */
  async health(timeoutMs: number): Promise<ConnectionHealth> {
    const abort = new AbortController();
    const tooLate = delay(Math.min(timeoutMs, LONGEST_TIMER_MS), undefined, { ref: false, signal: abort.signal }).catch(
      () => undefined,
    );
    const stats = await Promise.race([this.client.getStats().catch(() => undefined), tooLate]);
    abort.abort();
    const health = {
      redis: stats ? 'up' : 'down',
      ...(stats?.unserved.length && { unserved: stats.unserved }),
      ...(stats?.blocked.length && { blocked: stats.blocked }),
    } as const;
    if (!this.starting) return health;
    const workerId = stats && (await this.starting.catch(() => undefined))?.id;
    return { ...health, worker: stats?.workers.some(({ id }) => id === workerId) ? 'up' : 'down' };
  }

  /** A hook of somebody else that waits for a result, or for a consumer that does, would keep Nest from ever calling ours. */
  private limitWaits(): void {
    const { shutdownTimeoutMs = LONGEST_WAIT_MS } = this.options.worker || {};
    this.lastWait ??= setTimeout(() => this.stopWaiting(), Math.min(shutdownTimeoutMs, LONGEST_TIMER_MS)).unref();
  }

  private stopWaiting(): number {
    clearTimeout(this.lastWait);
    return this.isClientOurs ? this.client.stopWaiting() : 0;
  }

  /** False when a test replaced the client's provider: then there is nothing to connect to. */
  private get isClientOurs(): boolean {
    return this.client instanceof RedflowClient;
  }
}
