import type { ClientOptions } from './client.types.js';
import type { AnyWorkflowDefinition, WorkflowRegistry } from './workflow.types.js';

/** When runs without progress are reported. */
export interface WatchdogOptions {
  /** @default true */
  enabled?: boolean | undefined;
  /** @default 30 000 */
  intervalMs?: number | undefined;
  /** @default 300 000 */
  stalledForMs?: number | undefined;
}

/** All times in milliseconds. */
export interface WorkerOptions {
  app?: string | undefined;
  /**
   * Names the build that this worker runs, for example a revision: 1 to 128 bytes. Workers of one deployment declare the same; of several,
   * the one that started last decides which subscriptions, schedules and limits a workflow has.
   * @default env REDFLOW_DEPLOYMENT, else a digest of what the worker declares
   */
  deployment?: string | undefined;
  /** Queues to claim from. @default the queues of the worker's workflows */
  queues?: string[] | undefined;
  /** Runs executed at the same time; parked runs do not count. @default 10 */
  concurrency?: number | undefined;
  /** How long a worker that went silent keeps its runs. @default 30 000 */
  leaseMs?: number | undefined;
  /** Longest block of an idle worker before it looks for work by itself. @default 5 000 */
  blockTimeoutMs?: number | undefined;
  /** How often each worker looks for dead ones. @default 5 000 */
  reaperIntervalMs?: number | undefined;
  /** Runs taken from dead workers per call. @default 100 */
  reaperBatchSize?: number | undefined;
  watchdog?: WatchdogOptions | undefined;
  /** How often runs past their retention are deleted. @default 60 000 */
  historyCleanupIntervalMs?: number | undefined;
  /** How often workflows, subscriptions and schedules are written again, should Redis have lost them. @default 60 000 */
  registryRecoveryIntervalMs?: number | undefined;
  /** How long `stop()` lets running handlers go on before it aborts them; a second later it hands their runs back. @default 20 000 */
  shutdownTimeoutMs?: number | undefined;
  /** How long a canceled run's handler may take to settle after its signal was aborted. @default 30 000 */
  cancelGraceMs?: number | undefined;
  /** Recoveries from crashes without a newly completed step before a run fails with `CrashLoopError`. @default 10 */
  maxRecoveries?: number | undefined;
}

export interface StartWorkerOptions extends WorkerOptions, ClientOptions {
  /** @default the registry's */
  workflows?: ReadonlyArray<AnyWorkflowDefinition> | undefined;
  /** @default the default registry, which `defineWorkflow` fills */
  registry?: WorkflowRegistry | undefined;
}

/** A running worker, from `startWorker`. */
export interface Worker {
  readonly id: string;
  /**
   * Claims nothing more, lets running handlers finish for `timeoutMs`, then aborts their signals, gives functions
   * a second to settle, and hands the unfinished runs back to the queue, not as attempts. A second call waits for the first.
   * @param options.timeoutMs defaults to `shutdownTimeoutMs`; `Infinity` waits for as long as they take
   * @throws InvalidOptionError
   */
  stop(options?: { timeoutMs?: number | undefined }): Promise<void>;
}
