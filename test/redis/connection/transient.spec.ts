import { describe, expect, it } from '@jest/globals';
import {
  isOutOfMemory,
  isPassing,
  isScriptUnknown,
  refusalIn,
  wantsFreshConnection,
} from '../../../lib/engine/redis/connection/transient.js';
import { plainClient, privateRedis } from '../../support/engine-room.js';
import { testPrefix } from '../../support/namespace.js';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

const BOTH = ['client', 'worker'] as const;

describe('isPassing()', () => {
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
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair',
    'ERR max number of clients reached',
    'ERR upstream failure',
    'WHATEVER a proxy of tomorrow says',
    'ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY You can not write',
    'Connection is closed.',
    'Command aborted due to connection close',
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'Failed to refresh slots cache.',
    'No error of today',
  ])('is true for "%s"', (message) => {
    for (const role of BOTH) expect(isPassing(new Error(message), role)).toBe(true);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])(
    'is true for %s',
    (code) => {
      for (const role of BOTH) expect(isPassing(Object.assign(new Error('no'), { code }), role)).toBe(true);
    },
  );

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "CROSSSLOT Keys in request don't hash to the same slot",
    'ERR unknown command',
    "ERR wrong number of arguments for 'evalsha' command",
    'ERR user_script:1: attempt to index a nil value script: abc, on @user_script:1.',
    'ERR Error running script (call to f_1): @user_script:1: attempt to index a nil value',
  ])('is false for "%s"', (message) => {
    for (const role of BOTH) expect(isPassing(new Error(message), role)).toBe(false);
  });

  it.each(["NOPERM this user has no permissions to run the 'evalsha' command", 'OOM command not allowed'])(
    'is true for a worker alone for "%s"',
    (message) => {
      expect(BOTH.map((role) => isPassing(new Error(message), role))).toEqual([false, true]);
    },
  );

  it.each([[undefined], [null], ['ECONNRESET'], [{ code: 'ECONNRESET' }], [new TypeError('x is not a function')], [{}]])(
    'is false for %p',
    (value) => {
      for (const role of BOTH) expect(isPassing(value, role)).toBe(false);
    },
  );

  it('is true for what ioredis reports of a server that went away', async () => {
    const server = await privateRedis();
    const redis = plainClient(server.url);
    await redis.ping();
    const popping = failure(redis.blpop('nothing', 0));
    const piped = redis.pipeline().ping().blpop('nothing', 0).exec();
    await server.kill();
    expect(isPassing(await popping, 'client')).toBe(true);
    for (const [error] of (await piped) ?? []) expect(isPassing(error, 'client')).toBe(true);
    expect(isPassing(await failure(redis.ping()), 'client')).toBe(true);
  });

  it('is true for what a replica answers to a write, and for an UNBLOCKED pop', async () => {
    const server = await privateRedis();
    const [redis, blocked] = [plainClient(server.url), plainClient(server.url)];
    const id = await blocked.client('ID');
    const popping = failure(blocked.blpop('nothing', 0));
    while ((await redis.client('UNBLOCK', id, 'ERROR')) === 0);
    expect(isPassing(await popping, 'client')).toBe(true);
    await redis.replicaof('127.0.0.1', 1);
    expect(isPassing(await failure(redis.set('key', 1)), 'client')).toBe(true);
  });

  it('is false for a wrong type, and for a script that fails', async () => {
    const redis = plainClient();
    const key = testPrefix();
    await redis.set(key, 1);
    expect(isPassing(await failure(redis.llen(key)), 'worker')).toBe(false);
    expect(isPassing(await failure(redis.eval("return redis.call('LLEN', KEYS[1])", 1, key)), 'worker')).toBe(false);
    expect(isPassing(await failure(redis.eval('return nobody.home', 0)), 'worker')).toBe(false);
    expect(isPassing(await failure(redis.eval('return return', 0)), 'worker')).toBe(false);
  });
});

describe('wantsFreshConnection()', () => {
  it.each([
    'READONLY x',
    'MASTERDOWN x',
    'CLUSTERDOWN x',
    'UNBLOCKED x',
    'NOAUTH x',
    'Connection is closed.',
    'ERR upstream failure',
    'Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:1',
  ])('is true for "%s"', (message) => {
    expect(wantsFreshConnection(new Error(message))).toBe(true);
  });

  it.each([
    'LOADING x',
    'MISCONF x',
    'BUSY x',
    'OOM x',
    'NOREPLICAS x',
    'TRYAGAIN x',
    'NOPERM x',
    'Too many Cluster redirections. Last error: ReplyError: TRYAGAIN x',
    'Too many Cluster redirections. Last error: ReplyError: ASK 1 127.0.0.1:1',
  ])('is false for "%s"', (message) => {
    expect(wantsFreshConnection(new Error(message))).toBe(false);
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
    expect(isOutOfMemory(await failure(redis.eval("return redis.call('SET', KEYS[1], 1)", 1, 'key')))).toBe(true);
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
