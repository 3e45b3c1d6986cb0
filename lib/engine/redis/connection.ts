import { Redis, type RedisOptions } from 'ioredis';
import { ConnectionError, UnsupportedRedisError } from '../core/errors/index.js';
import type { LoggerPort } from '../core/values.types.js';
import { isClient, isCluster, type RedisClient } from './redis-client.js';
import { repeatWhileAway } from './repeat-while-away.js';

export type { RedisClient };

export interface ConnectionSource {
  readonly url: string;
  readonly connection?: RedisClient | RedisOptions;
}

const MINIMUM = { major: 6, minor: 2 };
const CONNECT_TIMEOUT_MS = 10_000;
/** How long a plain read is repeated while Redis is away, as long as a client's script calls are. */
const GIVE_UP_AFTER_MS = 10_000;

/**
 * Commands fail at once when the connection goes, and the script runner sends them again: ioredis must neither queue them for
 * minutes nor resend them by itself. A silent socket is given up after 15 s; every script answers far sooner.
 */
const OUR_OPTIONS: RedisOptions = {
  lazyConnect: true,
  // ioredis forgets what it has queued when it is closed between two attempts to connect: the caller would wait forever.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: 15_000,
  // How long a timer outlives a disconnect whose socket is already gone; 2 s by default.
  disconnectTimeout: 100,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2_000) * (0.5 + Math.random() / 2),
};

/** The Redis connections of one client or worker: one for commands, others on demand. A client the user passed in stays open. */
export class RedisConnection {
  readonly commands: RedisClient;
  private readonly owned: boolean;
  private readonly extra = new Set<RedisClient>();
  private opened: Promise<RedisServerInfo> | undefined;
  private lastError: Error | undefined;
  /** What the server said to the database: what ioredis says afterwards are consequences. */
  private selectError: Error | undefined;
  private closed = false;
  private giveUpAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly source: ConnectionSource,
    private readonly logger: LoggerPort,
  ) {
    const given = source.connection;
    this.owned = !isClient(given);
    this.commands = isClient(given)
      ? given
      : given
        ? new Redis({ ...given, ...OUR_OPTIONS })
        : new Redis(source.url, OUR_OPTIONS);
    this.watch(this.commands);
  }

  /** True once {@link close} was called. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** True once {@link close} was called, or the time of {@link hurry} is up. */
  get isOver(): boolean {
    return this.closed || performance.now() >= this.giveUpAt;
  }

  /**
   * Bounds all waiting for a Redis that is away from now on, for a stop: calls that follow one another share the time, so the stop
   * takes no longer however many they are. Each is tried once at least.
   */
  hurry(giveUpAfterMs: number): void {
    this.giveUpAt = performance.now() + giveUpAfterMs;
  }

  /** What calls after {@link close} fail with. */
  closedError(): ConnectionError {
    return new ConnectionError(`This client or worker of ${this.address} was closed. Make a new one.`);
  }

  /** Host, port and option, for messages; without user and password. */
  get address(): string {
    const { connection, url } = this.source;
    if (isCluster(connection)) return 'the Redis Cluster given as option "connection"';
    if (connection) {
      const { host = '127.0.0.1', port = 6379, path } = this.commands.options as RedisOptions;
      return `Redis at ${path ?? `${host}:${port}`} (option "connection")`;
    }
    return `Redis at ${hostOf(url)} (option "url" or the environment variable REDIS_URL)`;
  }

  /**
   * Connects and checks the server once; later calls share the first.
   * @throws ConnectionError, UnsupportedRedisError
   */
  open(): Promise<RedisServerInfo> {
    this.opened ??= this.connect().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  /**
   * Does outside the scripts what may be done twice, and repeats it like them while Redis is away.
   * @throws ConnectionError after 10 s
   */
  async repeated<T>(call: (redis: RedisClient) => Promise<T>): Promise<T> {
    return repeatWhileAway(
      async () => {
        await this.open();
        return call(this.commands);
      },
      {
        giveUpAfterMs: () => GIVE_UP_AFTER_MS,
        gaveUp: (cause, waitedMs) =>
          this.closed
            ? this.closedError()
            : new ConnectionError(
                `${this.address} did not answer for ${Math.round(waitedMs)} ms (${(cause as Error).message}).`,
                {
                  cause,
                },
              ),
        isOver: () => this.isOver,
      },
    );
  }

  /**
   * A further connection with the same options, closed with this one. It does not subscribe again by itself: if the connection
   * goes meanwhile, ioredis leaves a rejected promise that nobody handles, and the process ends.
   */
  async duplicate(): Promise<RedisClient> {
    const { commands } = this;
    if (this.closed) throw this.closedError();
    const copy = isCluster(commands)
      ? commands.duplicate([], { lazyConnect: true } as never)
      : commands.duplicate({ ...OUR_OPTIONS, socketTimeout: undefined, autoResubscribe: false });
    this.extra.add(copy);
    this.watch(copy);
    try {
      await copy.connect();
      return copy;
    } catch (error) {
      this.discard(copy);
      throw error;
    }
  }

  discard(client: RedisClient): void {
    this.extra.delete(client);
    client.disconnect();
  }

  async close(): Promise<void> {
    this.closed = true;
    const closing = [...this.extra];
    if (this.owned) closing.push(this.commands);
    this.extra.clear();
    await Promise.all(closing.map(disconnected));
    this.commands.off('error', this.noteError);
  }

  private async connect(): Promise<RedisServerInfo> {
    this.selectError = undefined;
    try {
      if (this.commands.status === 'wait') await this.commands.connect();
      const info = readServerInfo(await this.commands.info());
      if (info.major < MINIMUM.major || (info.major === MINIMUM.major && info.minor < MINIMUM.minor)) {
        throw new UnsupportedRedisError({ found: info.version, required: `${MINIMUM.major}.${MINIMUM.minor}` });
      }
      return info;
    } catch (error) {
      if (error instanceof UnsupportedRedisError) throw error;
      const reason = this.selectError ?? this.lastError ?? (error as Error);
      throw new ConnectionError(
        `Cannot reach ${this.address}: ${reason.message || (reason as NodeJS.ErrnoException).code || reason.name}. Start Redis there, or correct the option.`,
        { cause: reason },
      );
    }
  }

  private watch(client: RedisClient): void {
    client.on('error', this.noteError);
    if (client !== this.commands || this.owned) client.on('error', (error) => this.refuseOtherDatabase(error, client));
  }

  /** When SELECT fails, ioredis would go on in database 0, which is somebody else's. */
  private refuseOtherDatabase(error: Error, client: RedisClient): void {
    if (!isOfSelect(error)) return;
    this.selectError = error;
    client.disconnect(true);
  }

  private readonly noteError = (error: Error): void => {
    if (this.lastError?.message !== error.message) {
      this.logger.warn(`${this.address}: ${error.message}; connecting again`);
    }
    this.lastError = error;
  };
}

export interface RedisServerInfo {
  readonly version: string;
  readonly major: number;
  readonly minor: number;
  readonly maxmemoryPolicy?: string;
  readonly appendOnly: boolean;
}

/** Valkey and Dragonfly answer a `redis_version` they are compatible with. */
function readServerInfo(info: string): RedisServerInfo {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1].trim();
  const version = field('redis_version') ?? '0.0';
  const [major, minor] = version.split('.').map(Number);
  return {
    version,
    major,
    minor,
    maxmemoryPolicy: field('maxmemory_policy'),
    appendOnly: field('aof_enabled') === '1',
  };
}

/** Whether an error is the answer to the SELECT of a new connection: there is no such database, or it may not be used. */
function isOfSelect(error: Error): boolean {
  return (error as { command?: { name?: string } }).command?.name === 'select';
}

function hostOf(url: string): string {
  try {
    const { hostname, port, protocol, pathname } = new URL(url);
    return hostname ? `${hostname}:${port || 6379}` : `${protocol}//${pathname}`;
  } catch {
    return 'an address that is not a URL';
  }
}

/** `quit()` would wait behind a dead socket; nothing is in flight when a connection is closed. */
function disconnected(client: RedisClient): Promise<void> {
  if (client.status === 'end') return Promise.resolve();
  return new Promise((resolve) => {
    client.once('end', resolve);
    client.disconnect();
    // Between two attempts to connect there is nothing to end, and ioredis says nothing.
    if (client.status === 'reconnecting') resolve();
  });
}
