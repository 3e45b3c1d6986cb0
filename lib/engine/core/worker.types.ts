import type { ClientOptions } from './client.types.js';
import type { AnyWorkflowDefinition, WorkflowRegistry } from './workflow.types.js';

/** When runs without progress are reported. */
export interface WatchdogOptions {
  /** @default true */
  enabled?: boolean;
  /** @default 30 000 */
  intervalMs?: number;
  /** @default 300 000 */
  stalledForMs?: number;
}

/** All times in milliseconds. */
export interface WorkerOptions {
  app?: string | undefined;
  /** Queues to claim from. @default the queues of the worker's workflows */
  queues?: string[];
  /** Runs executed at the same time; parked runs do not count. @default 10 */
  concurrency?: number;
  /** How long a worker that went silent keeps its runs. @default 30 000 */
  leaseMs?: number;
  /** Longest block of an idle worker before it looks for work by itself. @default 5 000 */
  blockTimeoutMs?: number;
  /** How often each worker looks for dead ones. @default 5 000 */
  reaperIntervalMs?: number;
  /** Runs taken from dead workers per call. @default 100 */
  reaperBatchSize?: number;
  watchdog?: WatchdogOptions;
  /** How often runs past their retention are deleted. @default 60 000 */
  historyCleanupIntervalMs?: number;
  /** How often workflows, subscriptions and schedules are written again, should Redis have lost them. @default 60 000 */
  registryRecoveryIntervalMs?: number;
  /** How long `stop()` lets running handlers go on before it aborts them and hands their runs back. @default 20 000 */
  shutdownTimeoutMs?: number;
  /** How long a canceled run's handler may take to settle after its signal was aborted. @default 30 000 */
  cancelGraceMs?: number;
  /** Recoveries from crashes without a newly completed step before a run fails with `CrashLoopError`. @default 10 */
  maxRecoveries?: number;
}

export interface StartWorkerOptions extends WorkerOptions, ClientOptions {
  /** @default the registry's */
  workflows?: ReadonlyArray<AnyWorkflowDefinition>;
  /** @default the default registry, which `defineWorkflow` fills */
  registry?: WorkflowRegistry;
}

/** A running worker, from `startWorker`. */
export interface Worker {
  readonly id: string;
  /**
   * Claims nothing more, lets running handlers finish for `timeoutMs`, then aborts their signals and hands the unfinished
   * runs back to the queue at once, not as attempts. A second call waits for the first.
   * @param options.timeoutMs defaults to `shutdownTimeoutMs`
   */
  stop(options?: { timeoutMs?: number }): Promise<void>;
}
