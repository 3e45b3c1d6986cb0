import { RedisClock } from '../core/async/redis-clock.js';
import { TurnClock } from '../core/async/turn-clock.js';
import { newId } from '../core/ids.js';
import type { Registry } from '../core/workflows/registry.js';
import type { CreationContext } from '../creation/creation-context.js';
import { type ClassResolver, WorkflowDirectory } from '../creation/workflow-directory.js';
import type { ResolvedClientOptions } from '../options/resolve-client-options.js';
import type { ResolvedWorkerOptions } from '../options/resolve-worker-options.js';
import { RedisConnection } from '../redis/connection/connection.js';
import { Keyspace } from '../redis/keyspace.js';
import { WorkflowMetas } from '../redis/registry/workflow-metas.js';
import { interceptionOf } from '../redis/script/intercepted-call.js';
import { ScriptRunner } from '../redis/script/script-runner.js';
import { WriteBuffer } from '../redis/script/write-buffer.js';

/** Calls in flight: one with Redis, the answers of another with Node, and one on its way. */
const BUFFER = { depth: 3, smallest: 8 };

/** What all duties of a worker stand on. It knows nothing of them. */
export interface WorkerContext extends CreationContext {
  readonly workerId: string;
  readonly options: ResolvedWorkerOptions;
  readonly connection: RedisConnection;
  readonly keys: Keyspace;
  readonly buffer: WriteBuffer;
  /** The time of Redis. */
  readonly clock: RedisClock;
  readonly turns: TurnClock;
  readonly retentionMs: number;
  readonly forgetAfterMs: number;
  /** Logs with the worker's id. */
  warn(this: void, message: string, fields?: object): void;
}

/** @param beforeSend called before every call to Redis: what it adds to the buffer rides along */
export function workerContextOf(
  client: ResolvedClientOptions,
  options: ResolvedWorkerOptions,
  { registry, resolveClass }: { readonly registry: Registry; readonly resolveClass: ClassResolver },
  beforeSend: () => void,
): WorkerContext {
  const { logger, sealer, interceptors, maxPayloadBytes, retentionMs, forgetAfterMs } = client;
  const workerId = newId();
  const keys = new Keyspace(client.prefix);
  const connection = new RedisConnection({ ...client, giveUpAfterMs: Number.POSITIVE_INFINITY }, logger, 'worker', { keys });
  const runner = new ScriptRunner(connection, keys, undefined, interceptionOf(client));
  return Object.freeze({
    workerId,
    options,
    connection,
    keys,
    buffer: new WriteBuffer(runner, { ...BUFFER, beforeSend }, sealer),
    clock: new RedisClock(),
    turns: new TurnClock(),
    directory: new WorkflowDirectory(registry, new WorkflowMetas(connection, keys), resolveClass),
    logger,
    sealer,
    interceptors,
    maxPayloadBytes,
    retentionMs,
    forgetAfterMs,
    warn: (message: string, fields: object = {}) => logger.warn(message, { workerId, ...fields }),
  });
}
