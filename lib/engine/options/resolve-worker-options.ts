import type { WorkerOptions } from '../core/api/worker.types.js';
import { checkDeployment, checkName, checkPositiveInteger, rejectUnknownKeys } from '../core/checks/checks.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { environmentSetting } from './environment-setting.js';

export interface ResolvedWorkerOptions {
  readonly app: string;
  readonly deployment: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly blockTimeoutMs: number;
  readonly reaperIntervalMs: number;
  readonly reaperBatchSize: number;
  readonly watchdog: { readonly enabled: boolean; readonly intervalMs: number; readonly stalledForMs: number };
  readonly historyCleanupIntervalMs: number;
  readonly registryRecoveryIntervalMs: number;
  readonly shutdownTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly maxRecoveries: number;
}

export const WORKER_OPTION_NAMES = [
  'app',
  'deployment',
  'queues',
  'concurrency',
  'leaseMs',
  'blockTimeoutMs',
  'reaperIntervalMs',
  'reaperBatchSize',
  'watchdog',
  'historyCleanupIntervalMs',
  'registryRecoveryIntervalMs',
  'shutdownTimeoutMs',
  'cancelGraceMs',
  'maxRecoveries',
] as const satisfies ReadonlyArray<keyof WorkerOptions>;

const WATCHDOG_OPTION_NAMES = ['enabled', 'intervalMs', 'stalledForMs'] as const;

/**
 * Defaults and checks of a worker's options, in one place.
 * @param fallback used where neither the options nor the environment name them
 * @throws InvalidOptionError
 */
export function resolveWorkerOptions(
  options: WorkerOptions,
  fallback: { readonly app: string; readonly deployment: string; readonly queues: readonly string[] },
): ResolvedWorkerOptions {
  const watchdog = options.watchdog ?? {};
  rejectUnknownKeys(watchdog, WATCHDOG_OPTION_NAMES, 'watchdog');
  if (watchdog.enabled !== undefined && typeof watchdog.enabled !== 'boolean') {
    throw new InvalidOptionError('watchdog.enabled', 'Expected `watchdog.enabled` to be a boolean');
  }
  const ms = (name: string, value: number | undefined, standard: number, min = 1): number => {
    if (value === undefined) return standard;
    checkPositiveInteger(value, name, { min });
    return value;
  };
  return Object.freeze({
    app: options.app ?? fallback.app,
    deployment: environmentSetting(options.deployment, 'REDFLOW_DEPLOYMENT', checkDeployment) ?? fallback.deployment,
    queues: Object.freeze(resolveQueues(options.queues, fallback.queues)),
    concurrency: ms('concurrency', options.concurrency, 10),
    leaseMs: ms('leaseMs', options.leaseMs, 30_000, 100),
    blockTimeoutMs: ms('blockTimeoutMs', options.blockTimeoutMs, 5_000, 10),
    reaperIntervalMs: ms('reaperIntervalMs', options.reaperIntervalMs, 5_000, 10),
    reaperBatchSize: ms('reaperBatchSize', options.reaperBatchSize, 100),
    watchdog: Object.freeze({
      enabled: watchdog.enabled ?? true,
      intervalMs: ms('watchdog.intervalMs', watchdog.intervalMs, 30_000, 10),
      stalledForMs: ms('watchdog.stalledForMs', watchdog.stalledForMs, 300_000),
    }),
    historyCleanupIntervalMs: ms('historyCleanupIntervalMs', options.historyCleanupIntervalMs, 60_000, 10),
    registryRecoveryIntervalMs: ms('registryRecoveryIntervalMs', options.registryRecoveryIntervalMs, 60_000, 10),
    shutdownTimeoutMs: ms('shutdownTimeoutMs', options.shutdownTimeoutMs, 20_000, 0),
    cancelGraceMs: ms('cancelGraceMs', options.cancelGraceMs, 30_000, 0),
    maxRecoveries: ms('maxRecoveries', options.maxRecoveries, 10, 0),
  });
}

/**
 * Checks what startWorker() would, for a process that may not start a worker.
 * @throws InvalidOptionError
 */
export function checkWorkerOptions(options: WorkerOptions): void {
  rejectUnknownKeys(options, WORKER_OPTION_NAMES, 'the worker');
  if (options.app !== undefined) checkName(options.app, 'app');
  resolveWorkerOptions(options, { app: 'app', deployment: 'deployment', queues: ['default'] });
}

function resolveQueues(given: readonly string[] | undefined, fallback: readonly string[]): string[] {
  const queues = given ?? fallback;
  if (!Array.isArray(queues) || queues.length === 0) {
    throw new InvalidOptionError(
      'queues',
      'Expected `queues` to name at least one queue; omit it to serve the queues of the workflows',
    );
  }
  for (const queue of queues) checkName(queue, 'queue');
  return [...new Set(queues)];
}
