import type { Redis } from 'ioredis';
import type { RedisClient, RedisConnection } from '../connection/connection.js';
import { isCluster } from '../connection/redis-client.js';
import type { Keyspace } from '../keyspace.js';

const SCAN_COUNT = 1_000;

/** What keys begin with that stay when all runs are deleted: events, schedules, declarations, limits and workers. Pending events go on. */
const KEPT_WITHOUT_RUNS: ReadonlySet<string> = new Set([
  'event',
  'events',
  'deliveries',
  'resumed',
  'fanout',
  'pending',
  'mail',
  'triggers',
  'subscribers',
  'wildcards',
  'schedule',
  'schedules',
  'declared',
  'held',
  'registered',
  'pauses',
  'deployment',
  'team',
  'members',
  'teams',
  'unserved',
  'undecided',
  'workers',
  'worker',
  'wake',
  'idle',
  'serving',
  'set',
  'sets',
  'serves',
  'servers',
  'workflows',
  'counters',
  'controls',
  'clock',
]);

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
  await unlinkAll(connection, keys, `${start}run:`, () => true);
  await unlinkAll(connection, keys, start, (key) => !isKept[what](key.slice(start.length).split(':', 1)[0]));
}

/** Deletes all keys of a namespace that nobody uses any more, the clock of a test too. */
export async function removeNamespace(connection: RedisConnection, keys: Keyspace): Promise<void> {
  await unlinkAll(connection, keys, `${keys.root}:`, () => true);
}

/** Batch by batch, each of which may be repeated on another connection. */
async function unlinkAll(
  connection: RedisConnection,
  keys: Keyspace,
  start: string,
  isDeleted: (key: string) => boolean,
): Promise<void> {
  const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
  for (;;) {
    const owner = await connection.repeated((redis) => ownerOf(redis, keys));
    let cursor: string | undefined = '0';
    do {
      const from: string = cursor;
      cursor = await connection.repeated((redis) => unlinkSome(redis, owner, from, pattern, isDeleted));
    } while (cursor !== undefined && cursor !== '0');
    // What has been moved behind the walk was not seen.
    if (cursor !== undefined && (await connection.repeated((redis) => ownerOf(redis, keys))) === owner) return;
  }
}

/** Answers the next cursor; undefined when the node has left the cluster. */
async function unlinkSome(
  redis: RedisClient,
  owner: string,
  cursor: string,
  pattern: string,
  isDeleted: (key: string) => boolean,
): Promise<string | undefined> {
  const node = nodesOf(redis).find((other) => nameOf(other) === owner);
  if (!node) return undefined;
  const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
  const deleted = found.filter(isDeleted);
  if (deleted.length > 0) await redis.unlink(...deleted);
  return next;
}

/** Names the node that has all keys of a namespace; while a cluster moves them none has. */
async function ownerOf(redis: RedisClient, { declared }: Keyspace): Promise<string> {
  const nodes = nodesOf(redis);
  if (!isCluster(redis)) return nameOf(nodes[0]);
  const answers = await Promise.allSettled(nodes.map((node) => node.exists(...declared)));
  const owner = answers.findIndex(({ status }) => status === 'fulfilled');
  // As a cluster answers, so that it is asked again.
  if (owner < 0) throw new Error('TRYAGAIN The keys of the namespace are being moved');
  return nameOf(nodes[owner]);
}

function nodesOf(redis: RedisClient): Redis[] {
  return isCluster(redis) ? redis.nodes('master') : [redis as Redis];
}

function nameOf({ options }: Redis): string {
  return options.path ?? `${options.host}:${options.port}`;
}
