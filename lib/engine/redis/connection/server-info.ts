import { UnsupportedRedisError } from '../../core/errors/index.js';
import type { RedisClient } from './redis-client.js';

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
  readonly isClusterNode: boolean;
  /** False where an ACL refuses INFO, as `-@dangerous` does: only the version is known then, and at least its major part. */
  readonly isKnown: boolean;
}

/** Asks a server for all it says of itself, or for its version, which scripts know from Redis 7 on. */
export async function askServer(redis: RedisClient): Promise<RedisServerInfo> {
  try {
    return readServerInfo(await redis.info());
  } catch (error) {
    if (!String((error as Error).message).startsWith('NOPERM')) throw error;
    const version = await redis.eval("return redis.REDIS_VERSION or ''", 0).catch(() => '');
    return { ...readServerInfo(`redis_version:${version || '6.2'}`), isKnown: false };
  }
}

/** Reads the answer to INFO. Valkey and Dragonfly answer a `redis_version` they are compatible with. */
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
    isReplica: field('role') === 'slave',
    isLoading: field('loading') === '1',
    isClusterNode: field('cluster_enabled') === '1',
    isKnown: true,
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
