import type { LoggerPort } from '../../core/api/values.types.js';
import type { RedisConnection, RedisServerInfo } from './connection.js';

/** Warns about settings of the server under which runs can be lost. Managed servers may refuse CONFIG: then only INFO speaks. */
export async function adviseOnServer(connection: RedisConnection, info: RedisServerInfo, logger: LoggerPort): Promise<void> {
  const { maxmemoryPolicy } = info;
  if (!info.isKnown) {
    logger.warn(
      'Redis may evict runs, or keep nothing on disk: its user is refused INFO. Grant it +info, or check both yourself.',
    );
    return;
  }
  if (info.isClusterNode && !connection.isCluster) {
    logger.warn(
      `${connection.address} is one node of a Redis Cluster: a failover or a reshard ends the work. Write ` +
        '`connection: new Cluster([{ host, port }])`, with Cluster of ioredis.',
    );
  }
  if (maxmemoryPolicy !== undefined && maxmemoryPolicy !== 'noeviction') {
    logger.warn(
      `Redis may evict runs: its maxmemory-policy is "${maxmemoryPolicy}". Set it to "noeviction" on a Redis that holds workflows.`,
    );
  }
  if (info.appendOnly) return;
  const save = await connection
    .call((redis) => redis.config('GET', 'save'))
    .then(
      (reply) => (reply as string[])[1],
      () => undefined,
    );
  if (save === '') {
    logger.warn('Redis keeps nothing on disk: a restart of it loses every run. Turn on "appendonly yes".');
  }
}
