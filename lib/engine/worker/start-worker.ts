import type { LoggerPort } from '../core/api/values.types.js';
import type { StartWorkerOptions, Worker } from '../core/api/worker.types.js';
import { rejectUnknownKeys } from '../core/checks/checks.js';
import { newlyFoundCopies } from '../core/copies.js';
import type { ErrorClasses } from '../core/errors/error-classes.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { asRegistry, defaultRegistry } from '../core/workflows/registry.js';
import { CLIENT_OPTION_NAMES, resolveClientOptions } from '../options/resolve-client-options.js';
import { resolveWorkerOptions, WORKER_OPTION_NAMES } from '../options/resolve-worker-options.js';
import { declarationsOf, digestOf } from './duties/declarations.js';
import { ServedWorkflows } from './duties/served-workflows.js';
import { RunWorker } from './run-worker.js';
import type { WorkerInternals } from './worker-internals.js';

const OPTION_NAMES = [...CLIENT_OPTION_NAMES, ...WORKER_OPTION_NAMES, 'workflows', 'registry'] as const;

/**
 * Connects, makes the workflows known in Redis and begins to execute their runs.
 *
 * @throws InvalidOptionError, ConnectionError (Redis is not reachable, or takes no writes, for `connectTimeoutMs`),
 *   UnsupportedRedisError (Redis before 6.2)
 * @example
 * const worker = await startWorker({ workflows: [orders], concurrency: 20 });
 * process.once('SIGTERM', () => worker.stop());
 */
export function startWorker(options: StartWorkerOptions = {}): Promise<Worker> {
  return startHostedWorker(options, {});
}

/** As {@link startWorker}, for a framework that hosts the worker. */
export async function startHostedWorker(options: StartWorkerOptions, internals: WorkerInternals): Promise<Worker> {
  rejectUnknownKeys(options, OPTION_NAMES, 'startWorker()');
  const client = resolveClientOptions(options);
  const workflows = servedWorkflows(options, client.errors);
  const settings = resolveWorkerOptions(options, {
    app: client.app,
    deployment: digestOf(declarationsOf(workflows, options.app ?? client.app)),
    queues: [...new Set(workflows.all.map(({ options: { queue } }) => queue))],
  });
  warnOfCopies(client.logger);
  const worker = new RunWorker(client, settings, workflows, {
    registry: asRegistry(internals.registry ?? options.registry ?? defaultRegistry),
    resolveClass: internals.resolveClass ?? (() => undefined),
    stepsOf: internals.stepsOf,
  });
  const stop = () => void worker.stop();
  internals.signal?.addEventListener('abort', stop, { once: true });
  try {
    await worker.start();
  } finally {
    internals.signal?.removeEventListener('abort', stop);
  }
  return worker;
}

/** Their steps are durable in each other's runs; their classes are not each other's. */
function warnOfCopies(logger: LoggerPort): void {
  const copies = newlyFoundCopies();
  if (!copies) return;
  logger.warn(
    `This process has loaded ${copies.length} copies of nestjs-redflow: ${copies.map((path) => `"${path}"`).join(' and ')}. Steps, runs and the ` +
      'default client are shared, but `instanceof` and injection by class know one copy each. Libraries list the package in ' +
      'peerDependencies; `npm ls nestjs-redflow` tells who brings one.',
  );
}

function servedWorkflows(options: StartWorkerOptions, errors: ErrorClasses): ServedWorkflows {
  const served = new ServedWorkflows(options.workflows ?? (options.registry ?? defaultRegistry).list(), errors);
  if (served.all.length > 0) return served;
  throw new InvalidOptionError(
    'workflows',
    'A worker needs at least one workflow: define one, or pass `workflows` or `registry`',
  );
}
