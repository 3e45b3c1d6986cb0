import { afterEach } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type ClientOptions,
  createClient,
  createRegistry,
  defineWorkflow,
  type Handler,
  type LoggerPort,
  type RedflowClient,
  type RunRecord,
  type RunStatus,
  type StartWorkerOptions,
  startWorker,
  type Worker,
  type WorkflowDefinition,
  type WorkflowOptions,
} from '../../lib/engine/index.js';
import { eventually } from './eventually.js';
import { testPrefix, testRedisUrl } from './namespace.js';

const open: Array<() => Promise<unknown>> = [];

// Before the hook of namespace.ts, which deletes the keys.
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Closes something when the test ends, before what was opened earlier. */
export function whenTestEnds(close: () => Promise<unknown>): void {
  open.push(close);
}

export interface LogLine {
  level: 'log' | 'warn' | 'error' | 'debug';
  message: string;
  fields: Record<string, unknown>;
}

/** Keeps what is logged. */
export class RecordingLogger implements LoggerPort {
  readonly lines: LogLine[] = [];

  readonly log = (message: string, fields?: object): void => this.keep('log', message, fields);
  readonly warn = (message: string, fields?: object): void => this.keep('warn', message, fields);
  readonly error = (message: string, fields?: object): void => this.keep('error', message, fields);
  readonly debug = (message: string, fields?: object): void => this.keep('debug', message, fields);

  /** Messages of one level that match. */
  matching(level: LogLine['level'], pattern: RegExp): LogLine[] {
    return this.lines.filter((line) => line.level === level && pattern.test(line.message));
  }

  private keep(level: LogLine['level'], message: string, fields: object = {}): void {
    this.lines.push({ level, message, fields: { ...fields } });
  }
}

/** A workflow in a registry of its own, so that tests do not meet in the default one. */
export function workflow<I, O>(
  name: string,
  handler: Handler<I, O>,
  options: WorkflowOptions<I> = {},
): WorkflowDefinition<I, Awaited<O>> {
  return defineWorkflow<I, O>(name, { ...options, handler, registry: createRegistry() });
}

export interface EngineOptions {
  // biome-ignore lint/suspicious/noExplicitAny: definitions of any input
  workflows?: ReadonlyArray<WorkflowDefinition<any, any>>;
  registry?: StartWorkerOptions['registry'];
  /** False starts none. */
  worker?: StartWorkerOptions | false;
  client?: ClientOptions;
  /** A new one with a clock of its own by default. */
  prefix?: string;
}

/** A client and, unless told otherwise, a worker on a namespace of their own; all of it is stopped when the test ends. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const engine = new Engine(options);
  open.push(() => engine.stop());
  if (options.worker !== false) await engine.startWorker();
  return engine;
}

export class Engine {
  readonly prefix: string;
  readonly logs = new RecordingLogger();
  readonly client: RedflowClient;
  /** Not through the engine. */
  readonly redis: Redis;
  private readonly workers: Worker[] = [];

  constructor(private readonly options: EngineOptions) {
    this.prefix = options.prefix ?? `redflow-test:${testPrefix()}`;
    this.client = createClient({ ...this.connectionOptions(), ...options.client });
    this.redis = new Redis(testRedisUrl(), { lazyConnect: true });
  }

  /** The worker started last. */
  get worker(): Worker {
    const worker = this.workers.at(-1);
    if (!worker) throw new Error('This engine has no worker.');
    return worker;
  }

  /** One more worker; `blockTimeoutMs` is short so that it soon sees a clock that was moved. */
  async startWorker(options: StartWorkerOptions = {}): Promise<Worker> {
    const { workflows, registry, worker } = this.options;
    const served = registry ? { registry } : { workflows };
    const settings = { ...this.connectionOptions(), ...served, blockTimeoutMs: 50, ...(worker || {}), ...options };
    const started = await startWorker(settings);
    this.workers.push(started);
    return started;
  }

  /** As at a deploy that replaces all at once. */
  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
  }

  /** Another client of the same namespace, closed with this one. */
  anotherClient(options: ClientOptions = {}): RedflowClient {
    const client = createClient({ ...this.connectionOptions(), ...options });
    open.push(() => client.close());
    return client;
  }

  key(name: string): string {
    return `{${this.prefix}}:${name}`;
  }

  /** Moves the clock of the namespace; leases and idempotency keys keep to the real one. */
  async advance(ms: number): Promise<void> {
    await this.redis.incrby(this.key('clock'), ms);
  }

  /** Redis time with what `advance()` has added. */
  async now(): Promise<number> {
    const [seconds, micros] = (await this.redis.time()).map(Number);
    return seconds * 1_000 + Math.floor(micros / 1_000) + Number(await this.redis.get(this.key('clock')));
  }

  /** The run, once it is in one of these states. */
  until(runId: string, ...statuses: RunStatus[]): Promise<RunRecord> {
    return eventually(
      async () => {
        const run = await this.client.getRun(runId);
        if (!run || !statuses.includes(run.status)) throw new Error(`the run is ${run?.status}`);
        return run;
      },
      `run ${runId} is ${statuses.join(' or ')}`,
    );
  }

  /** The failed run, once its failure hook has ended; moves the clock on by `stepMs` between two looks. */
  hookEnded(runId: string, stepMs = 0): Promise<RunRecord> {
    return eventually(async () => {
      const run = await this.client.getRun(runId);
      const status = run?.failureHook?.status;
      if (run && (status === 'succeeded' || status === 'failed')) return run;
      if (stepMs > 0) await this.advance(stepMs);
      throw new Error(`the hook is ${status}`);
    }, `the failure hook of run ${runId} has ended`);
  }

  /** The error a run ends with, as `result()` gives it. */
  async failure(handle: { result(): Promise<unknown> }): Promise<Error> {
    const error = await rejection(handle.result());
    if (!(error.cause instanceof Error)) throw new Error('The run failed without a cause.', { cause: error });
    return error.cause;
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop({ timeoutMs: 0 })));
    await this.client.close();
    await closed(this.redis);
  }

  private connectionOptions(): ClientOptions {
    return { url: testRedisUrl(), prefix: this.prefix, logger: this.logs };
  }
}

/** The error a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error(`Expected a rejection; resolved with ${JSON.stringify(outcome.value)}`);
}

/** What `check` returns, once it is not false. */
export function once<T>(check: () => Promise<T | false>, what?: string): Promise<T> {
  return eventually(async () => {
    const found = await check();
    if (found === false) throw new Error('not yet');
    return found;
  }, what);
}

export interface Gate<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
  fail(error: unknown): void;
}

/** A promise that the test settles. */
export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

function closed(redis: Redis): Promise<void> {
  if (redis.status === 'end' || redis.status === 'wait') {
    redis.disconnect();
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    redis.once('end', resolve);
    redis.disconnect();
  });
}
