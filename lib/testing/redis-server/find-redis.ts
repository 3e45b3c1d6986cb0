import { findInstaller, installRedis } from './install-redis.js';
import { findRedisExecutable, noRedisError } from './redis-executable.js';
import { type StartRedisOptions, startRedis } from './start-redis.js';

/** How {@link findOrStartRedis} gets a Redis. */
export interface FindRedisOptions extends StartRedisOptions {
  /**
   * Whether `redis-server` may be installed from the packages of Debian or Ubuntu when PATH has no server and this process
   * is root or may use sudo without a password. No service is started by it.
   *
   * @default true
   */
  install?: boolean | undefined;
  /**
   * Gets one line before packages are installed.
   *
   * @default process.emitWarning
   */
  onMessage?: ((message: string) => void) | undefined;
}

/** A Redis to use, whoever runs it. */
export interface FoundRedis {
  readonly url: string;
  /** Stops the server if it was started here; leaves the one of `REDIS_URL` alone. */
  stop(): Promise<void>;
}

/**
 * The Redis of `REDIS_URL` if that is set, else a private one (see {@link startRedis}), whose server program is installed
 * first if need be and possible. Never touches a Redis it was not given or did not start.
 *
 * @throws TestRedisError when there is none and none can be installed; the message lists the ways to get one
 */
export async function findOrStartRedis(options: FindRedisOptions = {}): Promise<FoundRedis> {
  const { install = true, onMessage = process.emitWarning, ...startOptions } = options;
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop: async () => {} };
  if (install && findRedisExecutable() === undefined) await tryInstall(onMessage);
  return startRedis(startOptions);
}

async function tryInstall(onMessage: (message: string) => void): Promise<void> {
  const installer = await findInstaller();
  if (installer === undefined) return;
  onMessage('No redis-server or valkey-server on PATH: installing the redis-server package; no service is started.');
  try {
    await installRedis(installer);
  } catch (error) {
    throw noRedisError('Installing the redis-server package failed.', error);
  }
}
