import { checkWorkerOptions } from './engine/framework.js';
import {
  type ClientOptions,
  createRegistry,
  defineWorkflow,
  InvalidOptionError,
  type WorkerOptions,
  type WorkflowOptions,
} from './engine/index.js';
import type { WorkflowDecoratorOptions } from './metadata/workflow-decorator-options.interface.js';
import { extraInFactory, noOptions, unsupportedOption, wrongKind } from './redflow.messages.js';
import type { RedflowConnectionOptions, WorkflowOverrides } from './redflow-module-options.interface.js';

/** The options of one module, checked and taken apart. */
export interface ResolvedRedflowOptions {
  readonly client: ClientOptions;
  /** `false` for a producer. */
  readonly worker: WorkerOptions | false;
  readonly workflows: Readonly<Record<string, WorkflowOverrides | undefined>>;
  readonly defaults: WorkflowOverrides;
  readonly httpErrors: boolean;
}

// Records rather than lists: the compiler asks for a key here when the engine gains an option.
const CLIENT_KEYS: Record<keyof ClientOptions, true> = {
  app: true,
  url: true,
  connection: true,
  connectTimeoutMs: true,
  giveUpAfterMs: true,
  prefix: true,
  maxPayloadBytes: true,
  codec: true,
  errors: true,
  context: true,
  interceptors: true,
  waitReplicas: true,
  retention: true,
  forgetAfter: true,
  logger: true,
};

const WORKER_KEYS: Record<keyof WorkerOptions, true> = {
  app: true,
  deployment: true,
  queues: true,
  concurrency: true,
  leaseMs: true,
  blockTimeoutMs: true,
  reaperIntervalMs: true,
  reaperBatchSize: true,
  watchdog: true,
  historyCleanupIntervalMs: true,
  registryRecoveryIntervalMs: true,
  shutdownTimeoutMs: true,
  cancelGraceMs: true,
  maxRecoveries: true,
};

const MODULE_KEYS: Record<Exclude<keyof RedflowConnectionOptions, keyof ClientOptions>, true> = {
  worker: true,
  workflows: true,
  defaults: true,
  httpErrors: true,
};

/** Options of a workflow that a method is; its triggers are decorators of their own. */
export const METHOD_WORKFLOW_KEYS: Record<Exclude<keyof WorkflowDecoratorOptions, 'event' | 'cron'>, true> = {
  name: true,
  connection: true,
  queue: true,
  maxAttempts: true,
  retries: true,
  timeout: true,
  onFailureTimeout: true,
  determinism: true,
  determinismGrace: true,
  maxConcurrency: true,
  mutex: true,
  throttle: true,
  rateLimit: true,
  debounce: true,
  priority: true,
  version: true,
  current: true,
  errors: true,
  tags: true,
  input: true,
};

// What configuration may override: a workflow is found by its name and connection, so those are the decorator's alone; and what it says of
// a name it says of all versions, of which one is the current one.
const { name: _name, connection: _connection, current: _current, ...OVERRIDABLE } = METHOD_WORKFLOW_KEYS;
const OVERRIDE_KEYS: Record<keyof WorkflowOverrides, true> = { ...OVERRIDABLE, event: true, cron: true };

/**
 * Checks what `forRoot()` or the factory of `forRootAsync()` gave, also where this process has no use for it. Those of the client
 * are left to the client, those of workflows to {@link checkOverrides}.
 *
 * @throws InvalidOptionError for an option that does not exist, listing those that do, or for a value that is out of its range
 */
export function resolveModuleOptions(given: RedflowConnectionOptions): ResolvedRedflowOptions {
  if (!isPlainObject(given)) throw new InvalidOptionError('options', noOptions(given));
  const misplaced = ['name', 'isGlobal'].find((key) => key in given);
  if (misplaced) throw new InvalidOptionError(misplaced, extraInFactory(misplaced));
  refuseUnknownKeys('RedflowModule', given, { ...CLIENT_KEYS, ...MODULE_KEYS });
  const { worker = true, workflows = {}, defaults = {}, httpErrors = true, ...client } = given;
  if (typeof httpErrors !== 'boolean')
    throw new InvalidOptionError('httpErrors', wrongKind('httpErrors', 'true or false', httpErrors));
  if (typeof worker !== 'boolean') {
    checkOptions('worker', worker, WORKER_KEYS, 'true, false or an object of options');
    checkWorkerOptions(worker);
  }
  checkOptions('defaults', defaults, OVERRIDE_KEYS);
  if (!isPlainObject(workflows))
    throw new InvalidOptionError('workflows', wrongKind('workflows', 'an object by workflow names', workflows));
  for (const [name, overrides] of Object.entries(workflows)) {
    if (overrides !== undefined) checkOptions(`workflows["${name}"]`, overrides, OVERRIDE_KEYS);
  }
  const workerOptions = worker && (worker === true ? {} : withoutUndefined(worker));
  return Object.freeze({ client, worker: workerOptions, workflows, defaults, httpErrors });
}

/** What a limit needs beside those of its parts that configuration lays over a decorator's. */
const REST_OF_LIMITS = {
  throttle: { limit: 1, period: 1 },
  rateLimit: { limit: 1, period: 1 },
  debounce: { key: String, period: 1 },
};

/**
 * Checks options that no workflow of this process takes, as those of a producer's configuration.
 *
 * @param workflow `'*'` for every workflow
 * @throws InvalidOptionError
 */
export function checkOverrides(workflow: string, given: WorkflowOverrides, setBy: 'workflows' | 'defaults'): void {
  // A DTO class is for the module to make a schema of.
  const { input: _input, ...overrides } = given;
  const options: Record<string, unknown> = { ...overrides };
  for (const [limit, rest] of Object.entries(REST_OF_LIMITS)) {
    if (isPlainObject(options[limit])) options[limit] = { ...rest, ...withoutUndefined(options[limit]) };
  }
  try {
    defineWorkflow(workflow, { ...(options as WorkflowOptions), handler: () => undefined, registry: createRegistry() });
  } catch (cause) {
    if (!(cause instanceof InvalidOptionError)) throw cause;
    throw new InvalidOptionError(cause.option, `${cause.message} (set by RedflowModule option ${setBy})`, { cause });
  }
}

/**
 * Lays one set of workflow options over another: what `upper` sets wins; retry policies, limits and tags are merged field by field.
 *
 * A `maxAttempts` of the upper set also replaces the one inside the lower set's `retries`, which would otherwise win over it.
 */
export function mergeWorkflowOptions(lower: WorkflowOverrides, upper: WorkflowOverrides): WorkflowOverrides {
  const merged: WorkflowOverrides = { ...lower, ...withoutUndefined(upper) };
  if (lower.tags && upper.tags) merged.tags = { ...lower.tags, ...upper.tags };
  for (const limit of ['throttle', 'rateLimit', 'debounce'] as const) {
    if (lower[limit] && upper[limit]) Object.assign(merged, { [limit]: { ...lower[limit], ...withoutUndefined(upper[limit]) } });
  }
  if (lower.retries) {
    merged.retries = { ...lower.retries, ...withoutUndefined(upper.retries ?? {}) };
    if (upper.maxAttempts !== undefined && upper.retries?.maxAttempts === undefined) delete merged.retries.maxAttempts;
  }
  return merged;
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Configuration often comes from the environment, where everything is text: `'false'` must not start a worker. */
function checkOptions(option: string, given: unknown, supported: object, expected = 'an object of options'): void {
  if (!isPlainObject(given)) throw new InvalidOptionError(option, wrongKind(option, expected, given));
  refuseUnknownKeys(`RedflowModule option ${option}`, given, supported);
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnknownKeys(where: string, given: object, supported: object): void {
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(supported, key));
  if (unknown !== undefined) throw new InvalidOptionError(unknown, unsupportedOption(where, unknown, Object.keys(supported)));
}
