import { describe, expect, it } from '@jest/globals';
import { isOutOfMemory, isScriptUnknown, isTransient, refusalIn } from '../../lib/engine/redis/transient.js';
import { plainClient, privateRedis } from '../support/engine-room.js';
import { testPrefix } from '../support/namespace.js';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('isTransient()', () => {
  it.each([
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'CLUSTERDOWN The cluster is down',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    'NOREPLICAS Not enough good replicas to write.',
    'BUSY Redis is busy running a script.',
    'NOSCRIPT No matching script.',
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'Connection is closed.',
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'Command timed out',
    "Socket timeout. Expecting data, but didn't receive any in 15000ms.",
    'Failed to refresh slots cache.',
  ])('is true for "%s"', (message) => {
    expect(isTransient(new Error(message))).toBe(true);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])(
    'is true for %s',
    (code) => {
      expect(isTransient(Object.assign(new Error('no'), { code }))).toBe(true);
    },
  );

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair',
    'NOPERM this user has no permissions',
    'ERR unknown command',
    'BUSYGROUP Consumer Group name already exists',
    'it said LOADING',
  ])('is false for "%s"', (message) => {
    expect(isTransient(new Error(message))).toBe(false);
  });

  it.each([
    [undefined],
    [null],
    ['ECONNRESET'],
    [{ code: 'ERR_INVALID_ARG_TYPE' }],
    [new TypeError('x is not a function')],
    [{}],
  ])('is false for %p', (value) => {
    expect(isTransient(value)).toBe(false);
  });

  it('is true for what ioredis reports of a server that went away', async () => {
    const server = await privateRedis();
    const redis = plainClient(server.url);
    await redis.ping();
    const popping = failure(redis.blpop('nothing', 0));
    await server.kill();
    expect(isTransient(await popping)).toBe(true);
    expect(isTransient(await failure(redis.ping()))).toBe(true);
  });

  it('is true for what a replica answers to a write, and for an UNBLOCKED pop', async () => {
    const server = await privateRedis();
    const [redis, blocked] = [plainClient(server.url), plainClient(server.url)];
    const id = await blocked.client('ID');
    const popping = failure(blocked.blpop('nothing', 0));
    while ((await redis.client('UNBLOCK', id, 'ERROR')) === 0);
    expect(isTransient(await popping)).toBe(true);
    await redis.replicaof('127.0.0.1', 1);
    expect(isTransient(await failure(redis.set('key', 1)))).toBe(true);
  });

  it('is false for a wrong type', async () => {
    const redis = plainClient();
    const key = testPrefix();
    await redis.set(key, 1);
    expect(isTransient(await failure(redis.llen(key)))).toBe(false);
  });
});

describe('isScriptUnknown()', () => {
  it('is true for what Redis answers to an unknown script, and false otherwise', async () => {
    expect(isScriptUnknown(await failure(plainClient().evalsha('0'.repeat(40), 0)))).toBe(true);
    expect(isScriptUnknown(new Error('LOADING'))).toBe(false);
    expect(isScriptUnknown(undefined)).toBe(false);
  });
});

describe('isOutOfMemory()', () => {
  it('is true for what a full Redis answers, and false otherwise', async () => {
    const redis = plainClient((await privateRedis()).url);
    await redis.config('SET', 'maxmemory', '1');
    const refusal = await failure(redis.set('key', 1));
    expect(isOutOfMemory(refusal)).toBe(true);
    expect(isTransient(refusal)).toBe(false);
    expect(isOutOfMemory(await failure(redis.eval('#!lua\nreturn 1', 0)))).toBe(true);
    expect(isOutOfMemory(new Error('LOADING'))).toBe(false);
    expect(isOutOfMemory(null)).toBe(false);
  });
});

describe('refusalIn()', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", /^OOM command/],
    ["@user_script: 120: -OOM command not allowed when used memory > 'maxmemory'.\r\n", /^OOM command/],
    ["READONLY You can't write against a read only replica.", /^READONLY You/],
    ["@user_script: 9: -READONLY You can't write against a read only replica.", /^READONLY You/],
  ])('finds %j among the replies', (message, refusal) => {
    expect(refusalIn(['OK', ['ERROR', message], ['OK', 1]])?.message).toMatch(refusal);
  });

  it('finds none in what other errors and payloads say', () => {
    expect(
      refusalIn(['OK', ['ERROR', 'WRONGTYPE Operation'], ['ERROR', 'step OOM is not waiting'], ['x', 'OOM command']]),
    ).toBeUndefined();
  });
});
