import type { RedisClient, RedisConnection } from './connection.js';
import { KEPT_WITHOUT_RUNS, type Keyspace } from './keyspace.js';
import { isCluster } from './redis-client.js';

const SCAN_COUNT = 1_000;

/** The clock that tests move belongs to them. */
const isKept = {
  runs: (family: string) => KEPT_WITHOUT_RUNS.has(family),
  state: (family: string) => family === 'clock',
};

/**
 * Deletes the keys of a namespace in small batches: `runs` leaves events, schedules and what workers have declared. Runs go first, so
 * that what a worker still writes of them is refused and nothing is written anew behind the walk.
 */
export async function resetNamespace(connection: RedisConnection, keys: Keyspace, what: keyof typeof isKept): Promise<void> {
  const start = `${keys.root}:`;
  await connection.repeated(async (redis) => {
    await unlinkAll(redis, `${start}run:`, () => true);
    await unlinkAll(redis, start, (key) => !isKept[what](key.slice(start.length).split(':', 1)[0]));
  });
}

/** Deletes all keys of a namespace that nobody uses any more, the clock of a test too. */
export async function removeNamespace(connection: RedisConnection, keys: Keyspace): Promise<void> {
  await connection.repeated((redis) => unlinkAll(redis, `${keys.root}:`, () => true));
}

/** In a cluster all keys of a namespace are on one node, and the others have none that match. */
async function unlinkAll(redis: RedisClient, start: string, isDeleted: (key: string) => boolean): Promise<void> {
  const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
  for (const node of isCluster(redis) ? redis.nodes('master') : [redis]) {
    let cursor = '0';
    do {
      const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
      const keys = found.filter(isDeleted);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
  }
}
