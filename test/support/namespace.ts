import { randomUUID } from 'node:crypto';
import { afterEach, expect } from '@jest/globals';
import { Redis } from 'ioredis';

const SCAN_COUNT = 1_000;

const prefixes = new Set<string>();

/** The URL of the Redis of this test run. */
export function testRedisUrl(): string {
  const url = process.env.REDFLOW_TEST_REDIS_URL;
  if (!url) throw new Error('REDFLOW_TEST_REDIS_URL is not set: start the tests with `npm test`.');
  return url;
}

/** A prefix nobody else uses. Its keys are removed when the test that asked for it, or the first one after, has ended. */
export function testPrefix(): string {
  const prefix = `test:${randomUUID()}`;
  prefixes.add(prefix);
  return prefix;
}

/** All keys that carry `prefix`, sorted. */
export async function keysUnder(prefix: string, url = testRedisUrl()): Promise<string[]> {
  return withRedis(url, async (redis) => (await scanKeys(redis, prefix)).sort());
}

/** Fails with the names of the keys that carry `prefix`, unless there are none but those that match `allowed`. */
export async function expectNoKeys(prefix: string, allowed?: RegExp): Promise<void> {
  const keys = await keysUnder(prefix);
  expect(keys.filter((key) => !allowed?.test(key))).toEqual([]);
}

// Support modules are imported, so this hook is defined before the hooks of the test file and runs after them: after-hooks
// are stacked, see stack-environment.mjs. What the file's own hooks write while they close clients is removed, too.
afterEach(async () => {
  if (prefixes.size === 0) return;
  await withRedis(testRedisUrl(), async (redis) => {
    for (const prefix of prefixes) {
      const keys = await scanKeys(redis, prefix);
      for (let from = 0; from < keys.length; from += SCAN_COUNT) await redis.unlink(keys.slice(from, from + SCAN_COUNT));
    }
  });
  prefixes.clear();
});

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true });
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function scanKeys(redis: Redis, prefix: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', SCAN_COUNT);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}
