import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { type LossyProxy, startLossyProxy } from '../support/lossy-proxy.js';
import { expectNoKeys, keysUnder, testPrefix, testRedisUrl } from '../support/namespace.js';
import { type SpawnedProcess, spawnWorker } from '../support/spawn-worker.js';

const open: Array<() => unknown> = [];
let previousPrefix: string | undefined;
let previousProcess: SpawnedProcess | undefined;

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function client(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null, disconnectTimeout: 100 });
  redis.on('error', () => {});
  open.push(() => redis.status !== 'end' && redis.disconnect());
  return redis;
}

async function proxy(): Promise<LossyProxy> {
  const started = await startLossyProxy(testRedisUrl());
  open.push(() => started.close());
  return started;
}

describe('testPrefix()', () => {
  it('is another one each time, and its keys can be listed', async () => {
    const prefix = testPrefix();
    previousPrefix = prefix;
    expect(testPrefix()).not.toBe(prefix);
    await expectNoKeys(prefix);
    await client(testRedisUrl()).mset(`{${prefix}}:b`, 1, `{${prefix}}:a`, 1);
    expect(await keysUnder(prefix)).toEqual([`{${prefix}}:a`, `{${prefix}}:b`]);
    await expect(expectNoKeys(prefix)).rejects.toThrow(`{${prefix}}:a`);
    await expectNoKeys(prefix, /:[ab]$/);
  });

  it('had its keys removed after the test before', async () => {
    expect(await keysUnder(previousPrefix as string)).toEqual([]);
  });
});

describe('startLossyProxy()', () => {
  it('passes requests and answers through, of any size', async () => {
    const redis = client((await proxy()).url);
    const value = 'x'.repeat(3_000_000);
    expect(await redis.echo(value)).toBe(value);
    expect(await Promise.all(Array.from({ length: 1_000 }, (_, index) => redis.echo(String(index))))).toHaveLength(1_000);
  });

  it('lets Redis execute the request whose answer it loses', async () => {
    const between = await proxy();
    const redis = client(between.url);
    const key = `${testPrefix()}:count`;
    await redis.ping();
    const dropped = between.dropReplyTo(/incr\b/i);
    const answers = Promise.allSettled([redis.ping(), redis.incr(key), redis.ping()]);
    await dropped;
    expect((await answers)[1].status).toBe('rejected');
    expect(between.connections).toBe(0);
    expect(await client(testRedisUrl()).get(key)).toBe('1');
    expect(await client(between.url).incr(key)).toBe(2);
  });

  it('can let some matching requests through first', async () => {
    const between = await proxy();
    const redis = client(between.url);
    const key = `${testPrefix()}:count`;
    const dropped = between.dropReplyTo((request) => request.includes(key), { skip: 2 });
    expect(await redis.incr(key)).toBe(1);
    expect(await redis.incr(key)).toBe(2);
    await expect(redis.incr(key)).rejects.toThrow();
    await dropped;
    expect(await client(testRedisUrl()).get(key)).toBe('3');
  });

  it('says that the connection ended before there was an answer to lose', async () => {
    const between = await proxy();
    const redis = client(between.url);
    const name = `popping-${randomUUID()}`;
    await redis.client('SETNAME', name);
    const missed = expect(between.dropReplyTo(/blpop/i)).rejects.toThrow('The connection ended before');
    const popped = expect(redis.blpop(`${testPrefix()}:list`, 0)).rejects.toThrow();
    const watcher = client(testRedisUrl());
    await eventually(async () => expect(await watcher.call('CLIENT', 'LIST')).toMatch(new RegExp(`name=${name} .*cmd=blpop`)));
    between.cut();
    await Promise.all([missed, popped]);
  });

  it('holds bytes back until resume()', async () => {
    const between = await proxy();
    const redis = client(between.url);
    await redis.ping();
    between.pause();
    let isAnswered = false;
    const answer = redis.ping().finally(() => {
      isAnswered = true;
    });
    await client(testRedisUrl()).ping();
    expect(isAnswered).toBe(false);
    between.resume();
    expect(await answer).toBe('PONG');
  });
});

describe('spawnWorker()', () => {
  it('passes arguments and environment, and finds lines written before and after the call', async () => {
    const worker = spawnWorker('echo.mjs', { args: ['stay', 'argument'], env: { ECHO: 'environment' } });
    previousProcess = worker;
    expect(await worker.waitForLine('environment')).toBe('2 environment');
    expect(await worker.waitForLine(/argument$/)).toBe('1 argument');
    expect(worker.lines).toEqual(['1 argument', '2 environment']);
  });

  it('had its processes killed after the test before', async () => {
    expect(await previousProcess?.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('says what a process wrote that ended without the line', async () => {
    const worker = spawnWorker('echo.mjs', { args: ['go', 'argument'], env: { ECHO: 'environment' } });
    await expect(worker.waitForLine('argument', { after: 1 })).rejects.toThrow(
      'echo.mjs wrote no line that matches argument: it ended. Its output:\n1 argument\n2 environment',
    );
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(await worker.kill()).toEqual({ code: 0, signal: null });
  });
});
