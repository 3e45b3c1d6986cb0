import { UnsupportedRedisError } from '../core/errors/index.js';

const MINIMUM = { major: 6, minor: 2 };

export interface RedisServerInfo {
  readonly version: string;
  readonly major: number;
  readonly minor: number;
  readonly maxmemoryPolicy?: string;
  readonly appendOnly: boolean;
  /** A replica takes no writes, and answers reads with what was true some time ago. */
  readonly isReplica: boolean;
  readonly isLoading: boolean;
}

/** Reads the answer to INFO. Valkey and Dragonfly answer a `redis_version` they are compatible with. */
export function readServerInfo(info: string): RedisServerInfo {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1].trim();
  const version = field('redis_version') ?? '0.0';
  const [major, minor] = version.split('.').map(Number);
  return {
    version,
    major,
    minor,
    maxmemoryPolicy: field('maxmemory_policy'),
    appendOnly: field('aof_enabled') === '1',
    isReplica: field('role') === 'slave',
    isLoading: field('loading') === '1',
  };
}

/**
 * Refuses a server that can not be worked with: for good, or in the words in which it would refuse a call.
 * @throws UnsupportedRedisError, Error
 */
export function checkServer({ version, major, minor, isReplica, isLoading }: RedisServerInfo): void {
  if (major < MINIMUM.major || (major === MINIMUM.major && minor < MINIMUM.minor)) {
    throw new UnsupportedRedisError({ found: version, required: `${MINIMUM.major}.${MINIMUM.minor}` });
  }
  if (isLoading) throw new Error('LOADING Redis is loading the dataset in memory');
  if (isReplica) throw new Error('READONLY It is a replica, which takes no writes');
}
