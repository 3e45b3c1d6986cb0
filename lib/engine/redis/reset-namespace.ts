import type { Redis } from 'ioredis';
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
    await unlinkAll(redis, keys, `${start}run:`, () => true);
    await unlinkAll(redis, keys, start, (key) => !isKept[what](key.slice(start.length).split(':', 1)[0]));
  });
}

/** Deletes all keys of a namespace that nobody uses any more, the clock of a test too. */
export async function removeNamespace(connection: RedisConnection, keys: Keyspace): Promise<void> {
  await connection.repeated((redis) => unlinkAll(redis, keys, `${keys.root}:`, () => true));
}

async function unlinkAll(redis: RedisClient, keys: Keyspace, start: string, isDeleted: (key: string) => boolean): Promise<void> {
  const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
  const node = await nodeOf(redis, keys);
  let cursor = '0';
  do {
    const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    const deleted = found.filter(isDeleted);
    if (deleted.length > 0) await redis.unlink(...deleted);
    cursor = next;
  } while (cursor !== '0');
  if ((await nodeOf(redis, keys)) !== node) throw new Error(MOVING);
}

/** As a cluster answers, so that the walk is repeated: what has been moved behind it was not seen. */
const MOVING = 'TRYAGAIN The keys of the namespace are being moved';

/** The node that has all keys of a namespace; while a cluster moves them none has. */
async function nodeOf(redis: RedisClient, { declared }: Keyspace): Promise<Redis> {
  if (!isCluster(redis)) return redis as Redis;
  const masters = redis.nodes('master');
  const answers = await Promise.allSettled(masters.map((master) => master.exists(...declared)));
  const owner = answers.findIndex(({ status }) => status === 'fulfilled');
  if (owner < 0) throw new Error(MOVING);
  return masters[owner];
}
