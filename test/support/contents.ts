import type { Redis } from 'ioredis';

/** All keys that begin with a namespace and what they hold, by what follows the namespace. */
export async function contentsOf(redis: Redis, root: string): Promise<Record<string, unknown>> {
  const contents: Record<string, unknown> = {};
  for (const key of await keysOf(redis, root)) contents[key.slice(root.length + 1)] = await read(redis, key);
  return contents;
}

async function keysOf(redis: Redis, root: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${root}:*`, 'COUNT', 1_000);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}

async function read(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'hash':
      return redis.hgetall(key);
    case 'set':
      return (await redis.smembers(key)).sort();
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'list':
      return redis.lrange(key, 0, -1);
    default:
      return redis.get(key);
  }
}
