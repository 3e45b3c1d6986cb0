import type { Redis } from 'ioredis';
import { eventually } from './eventually.js';

/**
 * Resolves once a Redis that refuses a call was asked again. Before 7 a refusal inside of a script is not counted as an error, so calls
 * are counted.
 */
export async function askedAgain(redis: Redis): Promise<void> {
  const before = await callsOf(redis);
  await eventually(async () => (await callsOf(redis)) >= before + 2, 'Redis is asked again');
}

async function callsOf(redis: Redis): Promise<number> {
  const [, calls = 0, rejected = 0] =
    /^cmdstat_evalsha:calls=(\d+).*rejected_calls=(\d+)/m.exec(await redis.info('commandstats')) ?? [];
  return Number(calls) + Number(rejected);
}
