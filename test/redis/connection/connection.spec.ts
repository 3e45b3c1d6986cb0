import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { ConnectionError, UnsupportedRedisError } from '../../../lib/engine/core/errors/index.js';
import { type ConnectionSource, RedisConnection } from '../../../lib/engine/redis/connection/connection.js';
import { lossyProxy, openEngineRoom, plainClient, privateRedis, redisPassingFor } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { testRedisUrl } from '../../support/namespace.js';

const NOBODY_LISTENS = 'redis://127.0.0.1:1';

function connectionTo(source: Partial<ConnectionSource> = {}): RedisConnection {
  return openEngineRoom(source).connection;
}

async function failureOf(opening: Promise<unknown>): Promise<ConnectionError> {
  const failure = await opening.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConnectionError);
  return failure as ConnectionError;
}

describe('RedisConnection', () => {
  describe('open()', () => {
    it('answers what the server says of itself', async () => {
      const server = await privateRedis();
      const info = await connectionTo({ url: server.url }).open();
      expect(info.version).toBe(/redis_version:(.*)\r/.exec(await plainClient(server.url).info('server'))?.[1]);
      expect(info).toMatchObject({
        major: Number(info.version.split('.')[0]),
        minor: Number(info.version.split('.')[1]),
        maxmemoryPolicy: 'noeviction',
        appendOnly: false,
      });
    });

    it('connects once, however often it is called', async () => {
      const proxy = await lossyProxy();
      const connection = connectionTo({ url: proxy.url });
      const infos = await Promise.all([connection.open(), connection.open()]);
      expect(await connection.open()).toBe(infos[0]);
      expect(infos[1]).toBe(infos[0]);
      expect(proxy.connections).toBe(1);
    });

    it('names host, port and option when nobody listens there', async () => {
      const { message, cause } = await failureOf(connectionTo({ url: NOBODY_LISTENS }).open());
      expect(message).toMatch(/^Cannot reach Redis at 127\.0\.0\.1:1 \(option "url" or the environment variable REDIS_URL\): /);
      expect(message).toMatch(/ECONNREFUSED.*Start Redis there, or correct the option\.$/);
      expect(cause).toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('names the option "connection" when that was given', async () => {
      const { message } = await failureOf(connectionTo({ connection: { host: '127.0.0.1', port: 1 } }).open());
      expect(message).toContain('Redis at 127.0.0.1:1 (option "connection")');
    });

    it('keeps user and password out of its messages', async () => {
      const { message } = await failureOf(connectionTo({ url: 'redis://ada:s3cret@127.0.0.1:1/2' }).open());
      expect(message).toContain('127.0.0.1:1');
      expect(message).not.toMatch(/ada|s3cret/);
    });

    it('tells that the server wants a password', async () => {
      const server = await privateRedis();
      await plainClient(server.url).config('SET', 'requirepass', 's3cret');
      const { message } = await failureOf(connectionTo({ url: server.url }).open());
      expect(message).toMatch(/NOAUTH/);
      const info = await connectionTo({ url: `redis://:s3cret@127.0.0.1:${server.port}` }).open();
      expect(info.major).toBeGreaterThan(5);
    });

    it('refuses a database that there is not, instead of going on in database 0', async () => {
      const server = await privateRedis();
      const connection = connectionTo({ url: `${server.url}/99` });
      const { message } = await failureOf(connection.open());
      expect(message).toMatch(
        /^Cannot reach Redis at .*: ERR DB index is out of range\. Start Redis there, or correct the option\.$/,
      );
      await expect(connection.call((redis) => redis.set('key', 'value'))).rejects.toThrow(ConnectionError);
      expect(await plainClient(server.url).dbsize()).toBe(0);
    });

    it('refuses it on every connection, also where the client does not tell the server its name', async () => {
      const server = await privateRedis();
      const connection = connectionTo({
        connection: { host: '127.0.0.1', port: server.port, db: 99, disableClientInfo: true },
      });
      expect((await failureOf(connection.open())).message).toContain('ERR DB index is out of range');
      await expect(connection.duplicate()).rejects.toThrow('ERR DB index is out of range');
      await expect(connection.call((redis) => redis.set('key', 'value'))).rejects.toThrow(ConnectionError);
      expect(await plainClient(server.url).dbsize()).toBe(0);
    });

    it('succeeds later, once the server is there', async () => {
      const server = await privateRedis();
      await server.kill();
      const connection = connectionTo({ url: server.url });
      await failureOf(connection.open());
      await server.restart();
      await eventually(() => connection.open());
    });

    it.each(['5.0.14', '6.0.16', '4.0.14'])('refuses Redis %s', async (version) => {
      const connection = connectionTo({ url: await redisPassingFor(version) });
      const failure = await connection.open().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(UnsupportedRedisError);
      const { found } = failure as UnsupportedRedisError;
      expect(version.startsWith(found) || found.startsWith(version)).toBe(true);
      expect(failure).toMatchObject({ code: 'UNSUPPORTED_REDIS', required: '6.2' });
      expect((failure as Error).message).toBe(
        `Redis ${found} is too old: 6.2 or newer is needed. Upgrade the server, or use Valkey.`,
      );
    });

    it.each(['6.2.14', '7.0.15', '8.2.10', '10.0.1'])('accepts Redis %s', async (version) => {
      const [major, minor] = version.split('.').map(Number);
      expect(await connectionTo({ url: await redisPassingFor(version) }).open()).toMatchObject({ major, minor });
    });
  });

  describe('a client that was passed in', () => {
    it('is a pattern for ours: it is neither used nor closed', async () => {
      const client = plainClient(`${testRedisUrl()}/1`);
      const room = openEngineRoom({ connection: client });
      const errorListeners = client.listenerCount('error');
      expect(await room.connection.call((redis) => redis.client('INFO'))).toContain(' db=1 ');
      await room.connection.duplicate();
      expect(client.status).toBe('wait');
      await room.connection.close();
      expect(await client.ping()).toBe('PONG');
      expect(client.listenerCount('error')).toBe(errorListeners);
    });

    it('gives its password as it is when a connection is made', async () => {
      const server = await privateRedis();
      const client = plainClient(server.url);
      await client.config('SET', 'requirepass', 'first');
      client.options.password = 'first';
      const connection = connectionTo({ connection: client });
      await connection.open();
      await client.config('SET', 'requirepass', 'second');
      client.options.password = 'second';
      await plainClient(`redis://:second@127.0.0.1:${server.port}`).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      expect(await connection.repeated((redis) => redis.ping())).toBe('PONG');
    });
  });

  it('takes ioredis options, and closes what it made of them', async () => {
    const proxy = await lossyProxy();
    const { hostname, port } = new URL(proxy.url);
    const room = openEngineRoom({ connection: { host: hostname, port: Number(port), db: 0, connectionName: 'mine' } });
    expect(await room.connection.call((redis) => (redis as Redis).client('GETNAME'))).toBe('mine');
    await room.connection.close();
    await eventually(() => proxy.connections === 0);
  });

  describe('close()', () => {
    it('closes all connections', async () => {
      const proxy = await lossyProxy();
      const connection = connectionTo({ url: proxy.url });
      await connection.open();
      await connection.duplicate();
      await connection.duplicate();
      expect(proxy.connections).toBe(3);
      await connection.close();
      await eventually(() => proxy.connections === 0);
    });

    it.each(['never opened', 'unreachable', 'killed'])('resolves when the server was %s, and again', async (state) => {
      const server = await privateRedis();
      if (state === 'unreachable') await server.kill();
      const connection = connectionTo({ url: server.url });
      if (state === 'unreachable') await failureOf(connection.open());
      if (state === 'killed') {
        await connection.open();
        await server.kill();
      }
      await connection.close();
      await connection.close();
      expect(connection.isClosed).toBe(true);
    });

    it('refuses further connections', async () => {
      const connection = connectionTo();
      await connection.open();
      await connection.close();
      await expect(connection.duplicate()).rejects.toBeInstanceOf(ConnectionError);
    });
  });

  it('closes a discarded connection alone', async () => {
    const proxy = await lossyProxy();
    const connection = connectionTo({ url: proxy.url });
    await connection.open();
    const further = await connection.duplicate();
    connection.discard(further);
    await eventually(() => proxy.connections === 1);
    expect(await connection.call((redis) => redis.ping())).toBe('PONG');
  });

  describe('repeated()', () => {
    it('opens the connection and answers', async () => {
      expect(await connectionTo().repeated((redis) => redis.ping())).toBe('PONG');
    });

    it('repeats a read whose answer was lost', async () => {
      const proxy = await lossyProxy();
      const connection = connectionTo({ url: proxy.url });
      await connection.open();
      const lost = proxy.dropReplyTo(/echo/i);
      const echoed = connection.repeated((redis) => redis.echo('hello'));
      await lost;
      expect(await echoed).toBe('hello');
    });

    it('throws at once what a repeat cannot mend', async () => {
      const room = openEngineRoom();
      await room.createAll('r1');
      await expect(room.connection.repeated((redis) => redis.get(room.keys.run('r1')))).rejects.toThrow('WRONGTYPE');
    });
  });

  it('does nothing in database 0 when the server refuses its own at a reconnect', async () => {
    const server = await privateRedis();
    const admin = plainClient(server.url);
    const connection = connectionTo({ url: `${server.url}/1` });
    await connection.open();
    await admin.call('ACL', 'SETUSER', 'default', '-select');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const written = connection.repeated((redis) => redis.set('key', 'value'));
    await eventually(async () => /cmdstat_select:.*rejected_calls=[1-9]/.test(await admin.info('commandstats')));
    await admin.call('ACL', 'SETUSER', 'default', '+select');
    await written;
    expect(await admin.info('keyspace')).toMatch(/^# Keyspace\s+db1:keys=1,/);
  });
});
