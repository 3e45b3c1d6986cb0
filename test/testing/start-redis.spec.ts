import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { findOrStartRedis, type RedisServer, startRedis, TestRedisError } from '../../lib/testing/index.js';
import { eventually } from '../support/eventually.js';

const servers: RedisServer[] = [];
const clients: Redis[] = [];

async function start(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

function connect(url: string): Redis {
  const client = new Redis(url, { disconnectTimeout: 100 });
  // A killed server closes the connection; tests await what they need.
  client.on('error', () => {});
  clients.push(client);
  return client;
}

async function setting(client: Redis, name: string): Promise<string> {
  return ((await client.config('GET', name)) as string[])[1];
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe('startRedis()', () => {
  it('starts a server of its own on loopback that never evicts and keeps an append-only file', async () => {
    const server = await start();
    const client = connect(server.url);
    expect(await client.ping()).toBe('PONG');
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r`);
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await setting(client, 'bind')).toBe('127.0.0.1');
    expect(await setting(client, 'maxmemory-policy')).toBe('noeviction');
    expect(await setting(client, 'appendonly')).toBe('yes');
    expect(await setting(client, 'appendfsync')).toBe('everysec');
    expect(await setting(client, 'save')).toBe('');
  });

  it('leaves the append-only file out on request', async () => {
    const server = await start({ appendonly: false });
    expect(await setting(connect(server.url), 'appendonly')).toBe('no');
  });

  it('gives every caller a server of its own', async () => {
    const started = await Promise.all([start(), start(), start()]);
    expect(new Set(started.map((server) => server.port)).size).toBe(3);
    expect(new Set(started.map((server) => server.pid)).size).toBe(3);
  });

  it('listens on the given port and uses the given directory, which stays', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redflow-test-'));
    try {
      const first = await start({ dir });
      const { port } = first;
      await connect(first.url).set('key', 'kept');
      await first.stop();
      expect(existsSync(dir)).toBe(true);
      const second = await start({ dir, port });
      expect(second.port).toBe(port);
      expect(await connect(second.url).get('key')).toBe('kept');
      await second.stop();
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('says that the given port is taken', async () => {
    const other = await start();
    await expect(start({ port: other.port })).rejects.toThrow(
      new TestRedisError(`Port ${other.port} is in use. Pass another \`port\`, or none for a free one.`),
    );
  });

  it('does not mistake something else on the given port for its server', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    try {
      await expect(start({ port })).rejects.toThrow(`Port ${port} is in use.`);
    } finally {
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it('shows the log of a server that does not start', async () => {
    const dir = join(tmpdir(), 'redflow-no-such-directory');
    await expect(start({ dir })).rejects.toThrow(/ended while starting on port \d+/);
  });
});

describe('RedisServer', () => {
  it('is gone with its directory when stop() resolves, and stop() can be repeated', async () => {
    const server = await start();
    const dir = await setting(connect(server.url), 'dir');
    const pid = server.pid as number;
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(dir)).toBe(false);
    expect(server.pid).toBeUndefined();
  });

  it('has its data back on the same port after kill() and restart()', async () => {
    const server = await start();
    const { url, pid } = server;
    await connect(url).set('key', 'written before the crash');
    await server.kill();
    expect(isAlive(pid as number)).toBe(false);
    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await connect(url).get('key')).toBe('written before the crash');
  });

  it('has loaded its data when restart() resolves', async () => {
    const server = await start();
    const client = connect(server.url);
    await client.eval("for i = 1, 200000 do redis.call('SET', 'key' .. i, i) end", 0);
    await server.stop({ keepData: true });
    await server.restart();
    const fresh = connect(server.url);
    expect(await fresh.dbsize()).toBe(200_000);
  });

  it('restarts a running server in order', async () => {
    const server = await start();
    await connect(server.url).set('key', 'kept');
    await server.restart();
    expect(await connect(server.url).get('key')).toBe('kept');
  });

  it('refuses to restart what stop() removed', async () => {
    const server = await start();
    await server.stop();
    await expect(server.restart()).rejects.toThrow(
      new TestRedisError(`Redis on port ${server.port} was stopped. To restart it, use kill() or stop({ keepData: true }).`),
    );
  });
});

describe('a process that started Redis', () => {
  const program = (ending: string) => `
    import { startRedis } from 'nestjs-redflow/testing';
    import { Redis } from 'ioredis';
    const server = await startRedis();
    const client = new Redis(server.url);
    const [, dir] = await client.config('GET', 'dir');
    client.disconnect();
    console.log(JSON.stringify({ pid: server.pid, dir }));
    ${ending}
  `;

  it.each([
    ['runs out of work', ''],
    ['exits', 'process.exit(3);'],
    ['throws', "throw new Error('uncaught');"],
    ['is terminated', "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);"],
    ['is killed', "process.kill(process.pid, 'SIGKILL');"],
  ])('leaves neither server nor directory when it %s', async (_how, ending) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program(ending)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await once(child, 'close');
    if (output === '') throw new Error(`The process ended before it had a Redis: ${errors}`);
    const { pid, dir } = JSON.parse(output) as { pid: number; dir: string };
    await eventually(() => {
      expect(isAlive(pid)).toBe(false);
      expect(existsSync(dir)).toBe(false);
    });
  });
});

describe('findOrStartRedis()', () => {
  const { PATH, REDIS_URL } = process.env;

  beforeEach(() => {
    delete process.env.REDIS_URL;
  });

  afterEach(() => {
    process.env.PATH = PATH;
    if (REDIS_URL === undefined) delete process.env.REDIS_URL;
    else process.env.REDIS_URL = REDIS_URL;
  });

  it('uses the Redis of REDIS_URL and never stops it', async () => {
    const given = await start();
    process.env.REDIS_URL = given.url;
    const found = await findOrStartRedis();
    expect(found.url).toBe(given.url);
    await found.stop();
    expect(await connect(given.url).ping()).toBe('PONG');
  });

  it('starts a private one otherwise, and stops that', async () => {
    const found = await findOrStartRedis({ onMessage: () => {} });
    const { pid } = { pid: Number(/process_id:(\d+)/.exec(await connect(found.url).info('server'))?.[1]) };
    await found.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('lists the ways to get one when there is none', async () => {
    process.env.PATH = `/no-such-folder${delimiter}`;
    const failure = await findOrStartRedis({ install: false }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TestRedisError);
    expect(failure).toMatchObject({ code: 'TEST_REDIS_UNAVAILABLE' });
    expect((failure as Error).message).toBe(
      [
        'Neither redis-server nor valkey-server is on PATH. Ways to get one:',
        '  - set REDIS_URL to a running server: REDIS_URL=redis://localhost:6379',
        '  - Debian and Ubuntu: apt-get install redis-server',
        '  - macOS: brew install redis',
        '  - Fedora: dnf install valkey',
        '  - or put a redis-server or valkey-server executable on PATH',
      ].join('\n'),
    );
  });
});
