import type { Redis } from 'ioredis';

/** Keys under which the living sets of workers that serve a queue have their idle ones. */
export async function idleKeys(redis: Redis, root: string, queue = 'default'): Promise<string[]> {
  const sets = await redis.smembers(`${root}:serving:${queue}`);
  return sets.map((set) => `${root}:idle:${set}:${queue}`);
}

/** Workers that have asked for runs of a queue in vain: they ask again when they are woken. */
export async function idleWorkers(redis: Redis, root: string, queue = 'default'): Promise<string[]> {
  const idle = await Promise.all((await idleKeys(redis, root, queue)).map((key) => redis.smembers(key)));
  return idle.flat();
}
