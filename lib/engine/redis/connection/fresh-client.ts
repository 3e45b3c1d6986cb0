import { type Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { within } from './deadline.js';
import { isClient, isCluster, type RedisClient } from './redis-client.js';

export interface ConnectionSource {
  readonly url: string;
  /** A client is a pattern for those of ours, and is not used itself (docs/decisions/0026). */
  readonly connection?: RedisClient | RedisOptions;
  /** How long a call is repeated while Redis is away. */
  readonly giveUpAfterMs: number;
  /** How long a boot tries to reach Redis. */
  readonly connectTimeoutMs: number;
}

/** A connection for calls, or one that waits: for a wake-up or a message. */
export type Purpose = 'calls' | 'waiting';

/** A closed connection that does not end by itself is left to the operating system. */
const LONGEST_CLOSE_MS = 1_000;
/** Of ioredis. */
const CLOSED = 'Connection is closed.';
/** Below the minute after which many networks forget a connection that says nothing. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A client of ours connects once: one that fails is replaced by another, never revived, so that everything that may have changed
 * meanwhile (name, primary, password) is looked up again. It neither queues commands nor sends them again by itself.
 */
function ownOptions(given: RedisOptions, purpose: Purpose, limitMs: number): RedisOptions {
  return {
    lazyConnect: true,
    retryStrategy: () => null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    // The answer to our own INFO says more, and is asked for anyway.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // If the connection goes while ioredis subscribes again, it leaves a rejected promise that nobody handles.
    autoResubscribe: false,
    keepAlive: Math.min(given.keepAlive || KEEP_ALIVE_MS, 2 * KEEP_ALIVE_MS),
    // Every wait has a limit of ours.
    connectTimeout: limitMs,
    commandTimeout: undefined,
    socketTimeout: undefined,
    // How long a timer outlives a disconnect whose socket is already gone; 2 s by default.
    disconnectTimeout: 100,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: given.sentinelCommandTimeout ?? limitMs,
    // A planned failover leaves the old primary writable for seconds: what it takes then is lost. Sentinel tells when it begins.
    failoverDetector: purpose === 'calls' && Boolean(given.sentinels?.length),
  };
}

function ownClusterOptions(given: RedisOptions, limitMs: number): ClusterOptions {
  const { keepAlive, connectTimeout, commandTimeout, socketTimeout, disconnectTimeout } = ownOptions(given, 'waiting', limitMs);
  return {
    lazyConnect: true,
    clusterRetryStrategy: () => null,
    enableOfflineQueue: false,
    redisOptions: { keepAlive, connectTimeout, commandTimeout, socketTimeout, disconnectTimeout },
  };
}

/** As a user names it: a port, an address or a URL, or both parts. */
export type ClusterNode = number | string | { readonly host?: string; readonly port?: number };

/** Makes clients as the options say. */
export class ClientMaker {
  /** Of a cluster, all that were seen: those that were named may be the ones that are down. */
  private readonly nodes = new Map<string, ClusterNode>();

  constructor(
    private readonly source: ConnectionSource,
    private readonly limitMs: number,
  ) {}

  make(purpose: Purpose): RedisClient {
    const { connection, url } = this.source;
    const client =
      connection === undefined
        ? new Redis(url, ownOptions({}, purpose, this.limitMs))
        : isCluster(connection)
          ? connection.duplicate([...startupNodesOf(connection), ...this.nodes.values()], this.clusterOptions(connection))
          : isClient(connection)
            ? connection.duplicate(ownOptions(connection.options, purpose, this.limitMs))
            : new Redis({ ...connection, ...ownOptions(connection, purpose, this.limitMs) });
    // Without a listener ioredis prints what its promises tell anyway.
    client.on('error', () => {});
    return client;
  }

  /** Learns the nodes of a cluster that is connected. */
  learn(client: RedisClient): void {
    if (!isCluster(client)) return;
    for (const { options } of client.nodes('all')) {
      this.nodes.set(`${options.host}:${options.port}`, { host: options.host, port: options.port });
    }
  }

  private clusterOptions(given: Cluster): ClusterOptions {
    return ownClusterOptions(given.options.redisOptions ?? {}, this.limitMs);
  }
}

/**
 * Connects a new client.
 * @throws what the server or the socket said; the client is dropped then
 */
export async function connected(client: RedisClient, limitMs: number): Promise<void> {
  let said: Error | undefined;
  let refused: Error | undefined;
  const note = (error: Error & { lastNodeError?: Error; command?: { name?: string } }) => {
    const { lastNodeError } = error;
    // ioredis asks each node, and does not tell why a socket closed.
    said =
      lastNodeError?.message === CLOSED ? new Error('none of its nodes answers', { cause: error }) : (lastNodeError ?? error);
    // ioredis would go on in database 0, which is somebody else's.
    if (error.command?.name === 'select') refused = error;
  };
  client.on('error', note);
  try {
    const ended = new Promise<never>((_, reject) => {
      client.once('end', () => reject(new Error(CLOSED)));
    });
    // A Cluster that finds itself down leaves the promise of its connect() as it is.
    const greeted = client.connect().then(() => answered(client));
    await within(limitMs, 'Connecting', Promise.race([greeted, ended]));
    if (refused) throw refused;
  } catch (error) {
    sever(client);
    throw refused ?? said ?? error;
  } finally {
    client.off('error', note);
  }
}

/**
 * ioredis 5 may call a client ready before the server has answered what it was told of user and database. The next answer, whatever it
 * is, comes after those. From version 6 on, which speaks of a protocol, ioredis waits by itself.
 */
async function answered(client: RedisClient): Promise<void> {
  if (isCluster(client) || client.options.protocol !== undefined) return;
  await client.ping().catch((error: Error) => {
    if (error.name !== 'ReplyError') throw error;
  });
}

/** Closes a client at once. */
function drop(client: RedisClient): void {
  // Those that listen to Sentinels are made while the socket connects: what was made too late is closed at the end.
  client.once('end', () => client.disconnect());
  client.disconnect();
}

/** Closes a client whose network may be silent: what was sent is not to arrive minutes later. */
export function sever(client: RedisClient): void {
  const stream = isCluster(client) ? undefined : client.stream;
  // One that ends already cannot be reset, and would stay open.
  if (stream && !stream.writableEnded) reset(stream);
  drop(client);
}

function reset(stream: Redis['stream']): void {
  try {
    stream.resetAndDestroy();
  } catch {
    // Node resets TCP alone, and refuses with an error for TLS and Unix sockets.
    stream.destroy();
  }
}

/** Resolves once a client has closed. */
export async function dropped(client: RedisClient): Promise<void> {
  if (client.status === 'end') return client.disconnect();
  const ended = new Promise((resolve) => client.once('end', resolve));
  drop(client);
  await within(LONGEST_CLOSE_MS, 'Closing', ended).catch(() => undefined);
}

/** Those that the user has named. */
export function startupNodesOf(cluster: Cluster): ClusterNode[] {
  return (cluster as unknown as { startupNodes: ClusterNode[] }).startupNodes;
}
