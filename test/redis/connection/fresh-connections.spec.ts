import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LoggerPort } from '../../../lib/engine/core/api/values.types.js';
import { ConnectionError } from '../../../lib/engine/core/errors/index.js';
import { askedAgain } from '../../support/asked-again.js';
import { lossyProxy, openEngineRoom, plainClient, privateRedis, silentLogger } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { tlsForwarder, unixForwarder } from '../../support/forwarders.js';
import { testRedisUrl } from '../../support/namespace.js';

const FOREVER = { giveUpAfterMs: Number.POSITIVE_INFINITY };

function recorded(): { logger: LoggerPort; warnings: string[] } {
  const warnings: string[] = [];
  return { logger: { ...silentLogger, warn: (message) => warnings.push(message) }, warnings };
}

describe('a connection that does not answer any more', () => {
  it('is replaced, and the call repeated', async () => {
    const proxy = await lossyProxy();
    const room = openEngineRoom({ url: proxy.url });
    await room.createAll('a');
    proxy.forget();
    await room.createAll('b');
    expect(await openEngineRoom({ prefix: room.prefix }).queued()).toEqual(['a', 'b']);
  });

  it('delivers nothing later', async () => {
    const proxy = await lossyProxy();
    const room = openEngineRoom({ url: proxy.url });
    await room.connection.open();
    proxy.forget();
    expect(await room.connection.repeated((redis) => redis.incr(room.key('count')))).toBe(1);
    proxy.resume();
    await room.connection.close();
    await eventually(() => proxy.connections === 0);
    expect(await room.redis.get(room.key('count'))).toBe('1');
  });

  it('may only be slow: a repeat is waited for longer', async () => {
    const room = openEngineRoom(FOREVER);
    expect(await room.connection.repeated((redis) => redis.blpop(room.key('nothing'), 6))).toBeNull();
  });

  it('is given up by a client after the time set, if the next ones are as silent', async () => {
    const proxy = await lossyProxy();
    const room = openEngineRoom({ url: proxy.url, role: 'client', giveUpAfterMs: 1_000 });
    await room.createAll('a');
    proxy.pause();
    const failure = await room.create({ id: 'b' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectionError);
    expect((failure as Error).message).toMatch(/did not answer for \d+ ms \(.* had no answer within 1000 ms\)/);
    proxy.resume();
  });

  it('may be closed at any time', async () => {
    const proxy = await lossyProxy();
    const room = openEngineRoom({ url: proxy.url, ...FOREVER });
    await room.connection.open();
    proxy.pause();
    const failures = [room.create({ id: 'a' }), room.connection.duplicate()].map((waiting) =>
      waiting.catch((error: unknown) => error),
    );
    await room.connection.close();
    for (const failure of await Promise.all(failures)) expect(failure).toBeInstanceOf(Error);
    proxy.resume();
  });
});

describe.each([
  ['a Unix socket', unixForwarder],
  ['TLS', tlsForwarder],
])('a connection by %s', (_, forwarder) => {
  it('is used, discarded and closed as any other, though Node cannot reset it', async () => {
    const { connection, close } = await forwarder(testRedisUrl());
    const room = openEngineRoom({ connection });
    try {
      await room.createAll('a');
      const further = await room.connection.duplicate();
      room.connection.discard(further);
      await eventually(() => further.status === 'end');
      await room.createAll('b');
      expect(await room.queued()).toEqual(['a', 'b']);
      await room.connection.close();
    } finally {
      await close();
    }
  });
});

describe('a server that accepts connections and says nothing', () => {
  it('fails to open with its address', async () => {
    const proxy = await lossyProxy();
    proxy.mute();
    const room = openEngineRoom({ url: proxy.url });
    await expect(room.connection.open()).rejects.toThrow(
      `Cannot reach Redis at ${new URL(proxy.url).host} (option "url" or the environment variable REDIS_URL): Connecting had no answer`,
    );
    await expect(room.connection.duplicate()).rejects.toThrow('Connecting had no answer');
    proxy.resume();
  });

  it('is worked with as soon as it speaks', async () => {
    const proxy = await lossyProxy();
    proxy.mute();
    const room = openEngineRoom({ url: proxy.url, ...FOREVER });
    const created = room.create({ id: 'a' });
    await eventually(() => proxy.connections > 0);
    proxy.resume();
    expect((await created).status).toBe('CREATED');
  });
});

describe('a primary that becomes a replica and keeps its connections', () => {
  it('is left for the one its name leads to now', async () => {
    const [old, next] = await Promise.all([privateRedis(), privateRedis()]);
    const proxy = await lossyProxy(old.url);
    const room = openEngineRoom({ url: proxy.url, ...FOREVER });
    await room.createAll('a');
    proxy.leadTo(next.url);
    await plainClient(old.url).replicaof('127.0.0.1', next.port);
    await room.createAll('b');
    expect(await openEngineRoom({ url: next.url, prefix: room.prefix }).queued()).toEqual(['b']);
  });

  it('is warned of once, in its words, and once when it is over', async () => {
    const server = await privateRedis();
    const { logger, warnings } = recorded();
    const room = openEngineRoom({ url: server.url, logger, ...FOREVER });
    await room.createAll('a');
    await room.redis.replicaof('127.0.0.1', 1);
    const created = Promise.all(['b', 'c', 'd'].map((id) => room.create({ id })));
    await eventually(() => warnings.length > 0);
    await room.redis.replicaof('NO', 'ONE');
    await created;
    expect(warnings).toEqual([
      expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ .* does not work: READONLY .*\. Calls are repeated until it does\.$/),
      expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ .* works again, after \d+ s\.$/),
    ]);
  });

  it('is not read from: what it answers is old', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url, giveUpAfterMs: 300 });
    await room.redis.replicaof('127.0.0.1', 1);
    await expect(room.connection.repeated((redis) => redis.get('key'))).rejects.toThrow('READONLY');
  });
});

describe('a server that refuses writes', () => {
  it('keeps its connection, and is asked again', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url, ...FOREVER });
    await room.createAll('a');
    const { id } = await room.connection.call(async (redis) => ({ id: await (redis as Redis).client('ID') }));
    await room.redis.config('SET', 'min-replicas-to-write', '1');
    const created = room.create({ id: 'b' });
    await askedAgain(room.redis);
    await room.redis.config('SET', 'min-replicas-to-write', '0');
    expect((await created).status).toBe('CREATED');
    expect(await room.connection.call((redis) => (redis as Redis).client('ID'))).toBe(id);
  });

  it('refuses a client that may not call scripts at once, and a worker until it may', async () => {
    const server = await privateRedis();
    const admin = plainClient(server.url);
    const [client, worker] = (['client', 'worker'] as const).map((role) => openEngineRoom({ url: server.url, role, ...FOREVER }));
    await Promise.all([client.connection.open(), worker.connection.open()]);
    await admin.call('ACL', 'SETUSER', 'default', '-evalsha');
    await expect(client.create({ id: 'a' })).rejects.toThrow('NOPERM');
    const created = worker.create({ id: 'b' });
    await eventually(async () => /cmdstat_evalsha:.*rejected_calls=([2-9]|\d\d)/.test(await admin.info('commandstats')));
    await admin.call('ACL', 'SETUSER', 'default', '+evalsha');
    expect((await created).status).toBe('CREATED');
  });
});

describe('a client that was passed in', () => {
  it('need not be open: one that has ended, or never gives up, is a pattern all the same', async () => {
    const server = await privateRedis();
    const given = new Redis(server.url, { maxRetriesPerRequest: null });
    await given.ping();
    given.disconnect();
    await eventually(() => given.status === 'end');
    const room = openEngineRoom({ url: server.url, connection: given, role: 'client', giveUpAfterMs: 300 });
    await room.createAll('a');
    await server.kill();
    await expect(room.create({ id: 'b' })).rejects.toThrow(ConnectionError);
    expect(given.status).toBe('end');
    await server.restart();
    await eventually(() => room.connection.open());
  });
});
