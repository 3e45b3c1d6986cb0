import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import type { ConnectionSource } from '../../../lib/engine/redis/connection/connection.js';
import { addressOf } from '../../../lib/engine/redis/connection/server-address.js';

const lazy = { lazyConnect: true };

function address(source: Partial<ConnectionSource>): string {
  return addressOf({ url: 'redis://127.0.0.1:6379', giveUpAfterMs: 1, connectTimeoutMs: 1, ...source });
}

describe('addressOf()', () => {
  it.each([
    ['redis://ada:s3cret@redis-1:6380/2', 'redis-1:6380'],
    ['rediss://redis-1', 'redis-1:6379'],
    ['unix:///run/redis.sock', 'unix:///run/redis.sock'],
  ])('names the host of %s', (url, host) => {
    expect(address({ url })).toBe(`Redis at ${host} (option "url" or the environment variable REDIS_URL)`);
  });

  it.each([
    [{}, 'Redis at 127.0.0.1:6379'],
    [{ host: 'redis-1', port: 6380, username: 'ada', password: 's3cret' }, 'Redis at redis-1:6380'],
    [{ path: '/run/redis.sock' }, 'Redis at /run/redis.sock'],
    [
      { sentinels: [{ host: 's-1', port: 1 }, { host: 's-2' }], name: 'mymaster' },
      'the primary "mymaster" of the Sentinels at s-1:1, s-2:26379',
    ],
  ])('names what the options %j lead to', (connection, expected) => {
    expect(address({ connection })).toBe(`${expected} (option "connection")`);
  });

  it('names what a client leads to', () => {
    const connection = new Redis('redis://ada:s3cret@redis-1:6380', lazy);
    expect(address({ connection })).toBe('Redis at redis-1:6380 (option "connection")');
  });

  it('names the nodes that a cluster was given', () => {
    const connection = new Cluster(
      [7000, 'redis-1:7001', 'redis://ada:s3cret@redis-2:7002', { host: 'redis-3', port: 7003 }],
      lazy,
    );
    expect(address({ connection })).toBe(
      'the Redis Cluster at 127.0.0.1:7000, redis-1:7001, redis-2:7002, redis-3:7003 (option "connection")',
    );
  });
});
