import { RedflowError, type RedflowErrorOptions } from './redflow.error.js';

/** Redis could not be reached, or the client or worker was closed meanwhile. */
export class ConnectionError extends RedflowError {
  readonly code = 'CONNECTION';
  /** The run whose result was awaited, if one was. It goes on. */
  readonly runId?: string;

  constructor(message: string, options: RedflowErrorOptions & { runId?: string | undefined } = {}) {
    super(message, options);
    if (options.runId !== undefined) this.runId = options.runId;
  }
}

/**
 * Redis wrote what was asked, but fewer replicas than `waitReplicas.count` confirmed it in time: a failover may lose it. The same call
 * again, with the same run id, idempotency key or event id, writes nothing twice and waits anew.
 */
export class ReplicationError extends RedflowError {
  readonly code = 'REPLICATION';
  /** Of the run or event that was written. */
  readonly id: string;
  /** Replicas that have it. */
  readonly confirmed: number;
  readonly expected: number;

  constructor(ids: { id: string; confirmed: number; expected: number; timeoutMs: number }) {
    super(
      `"${ids.id}" was written, but ${ids.confirmed} instead of ${ids.expected} replicas confirmed it within ${ids.timeoutMs} ms: a failover ` +
        'may lose it. Repeat the call with the same runId, idempotencyKey or eventId, which writes nothing twice; and look after the ' +
        'replicas, or change `waitReplicas`.',
    );
    this.id = ids.id;
    this.confirmed = ids.confirmed;
    this.expected = ids.expected;
  }
}

/** An ACL of Redis refuses something that a client or worker needs, or the server does not have it. */
export class RedisPermissionError extends RedflowError {
  readonly code = 'REDIS_PERMISSION';
  readonly user: string;
  /** What it lacks, as `ACL SETUSER` takes it: `+publish`, `~{redflow:v1}*`. */
  readonly rights: readonly string[];

  constructor(ids: { user: string; rights: readonly string[]; unknown: readonly string[]; address: string }) {
    const { user, rights, unknown, address } = ids;
    const refused = `User "${user}" lacks rights at ${address} that runs need. Grant them: ACL SETUSER ${user} ${rights.join(' ')}`;
    const missing = `${address} does not know ${unknown.join(', ')}, which runs need: renamed or disabled, or not a compatible server.`;
    super([...(rights.length > 0 ? [refused] : []), ...(unknown.length > 0 ? [missing] : [])].join(' '));
    this.user = user;
    this.rights = rights;
  }
}

/** The server is too old. */
export class UnsupportedRedisError extends RedflowError {
  readonly code = 'UNSUPPORTED_REDIS';
  /** Version the server reports. */
  readonly found: string;
  /** Oldest version that works. */
  readonly required: string;

  constructor(ids: { found: string; required: string }) {
    super(`Redis ${ids.found} is too old: ${ids.required} or newer is needed. Upgrade the server, or use Valkey.`);
    this.found = ids.found;
    this.required = ids.required;
  }
}
