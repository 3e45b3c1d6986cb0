import type { ClientOptions } from '../core/api/client.types.js';
import type { WorkflowRegistry } from '../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../core/checks/checks.js';
import type { ErrorClasses } from '../core/errors/error-classes.js';
import { asRegistry, defaultRegistry, type Registry } from '../core/workflows/registry.js';
import type { CreationContext } from '../creation/creation-context.js';
import { type ClassResolver, WorkflowDirectory } from '../creation/workflow-directory.js';
import { CLIENT_OPTION_NAMES, resolveClientOptions } from '../options/resolve-client-options.js';
import { RedisConnection } from '../redis/connection/connection.js';
import { Keyspace } from '../redis/keyspace.js';
import { WorkflowMetas } from '../redis/registry/workflow-metas.js';
import { interceptionOf } from '../redis/script/intercepted-call.js';
import { ScriptRunner } from '../redis/script/script-runner.js';
import { WriteBuffer } from '../redis/script/write-buffer.js';
import { PendingCalls } from './pending-calls.js';

/** A thousand creates leave without waiting for one another's answers. */
const BUFFER = { depth: 8, smallest: 64 };

/** What a framework adds to a client. */
export interface ClientInternals {
  /** Finds the definition that a decorated class stands for. */
  readonly resolveClass?: ClassResolver;
  /** Workflows known in this process. @default the default registry */
  readonly registry?: WorkflowRegistry;
}

/** What all that a client does stands on. It knows nothing of those that use it. */
export interface ClientContext extends CreationContext {
  readonly connection: RedisConnection;
  readonly keys: Keyspace;
  readonly buffer: WriteBuffer;
  /** Calls that a close waits for. */
  readonly pending: PendingCalls;
  /** Workflows known in this process. */
  readonly registry: Registry;
  /** Workflows known in Redis. */
  readonly metas: WorkflowMetas;
  /** Listed for all workflows. */
  readonly errors: ErrorClasses;
  readonly retentionMs: number;
}

/** @throws InvalidOptionError */
export function clientContextOf(options: ClientOptions, internals: ClientInternals): ClientContext {
  rejectUnknownKeys(options, CLIENT_OPTION_NAMES, 'createClient()');
  const resolved = resolveClientOptions(options);
  const { logger, maxPayloadBytes, sealer, interceptors, waitReplicas, errors, retentionMs } = resolved;
  const keys = new Keyspace(resolved.prefix);
  const connection = new RedisConnection(resolved, logger, 'client', { keys, waits: waitReplicas !== undefined });
  const runner = new ScriptRunner(connection, keys, waitReplicas, interceptionOf(resolved));
  const metas = new WorkflowMetas(connection, keys);
  const registry = asRegistry(internals.registry ?? defaultRegistry);
  return Object.freeze({
    connection,
    keys,
    buffer: new WriteBuffer(runner, BUFFER, sealer),
    pending: new PendingCalls(),
    logger,
    sealer,
    interceptors,
    maxPayloadBytes,
    registry,
    metas,
    directory: new WorkflowDirectory(registry, metas, internals.resolveClass ?? (() => undefined)),
    errors,
    retentionMs,
  });
}
