import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { startHostedWorker } from '../../../lib/engine/framework.js';
import {
  ConnectionError,
  createClient,
  type StartWorkerOptions,
  type Worker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { type RedisServer, startRedis } from '../../../lib/testing/index.js';
import { startCluster } from '../../support/cluster.js';
import { RecordingLogger, rejection, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { type LossyProxy, startLossyProxy } from '../../support/lossy-proxy.js';
import { testPrefix, testRedisUrl } from '../../support/namespace.js';

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);
const HOUR_MS = 3_600_000;

const open: Array<() => Promise<unknown>> = [];

// After the hook of engine.ts: clients close before what they talk to.
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function privateRedis(): Promise<RedisServer> {
  const server = await startRedis({ appendonly: false });
  open.push(() => server.stop());
  return server;
}

async function proxyTo(url = testRedisUrl()): Promise<LossyProxy> {
  const proxy = await startLossyProxy(url);
  open.push(() => proxy.close());
  return proxy;
}

function plainRedis(url: string, options: object = {}): Redis {
  const redis = new Redis(url, options);
  redis.on('error', () => {
    // Servers are killed here.
  });
  whenTestEnds(async () => redis.disconnect());
  return redis;
}

function starting(options: StartWorkerOptions, signal?: AbortSignal): Promise<Worker> {
  const started = startHostedWorker(
    { prefix: testPrefix(), logger: new RecordingLogger(), workflows: [echo], ...options },
    { signal },
  );
  whenTestEnds(async () => (await started.catch(() => undefined))?.stop({ timeoutMs: 0 }));
  return started;
}

describe('a network that is silent on new connections', () => {
  it('does not keep an idle worker from its runs, though no wake-up reaches it', async () => {
    const proxy = await proxyTo();
    const engine = await startEngine({ workflows: [echo], worker: { url: proxy.url, blockTimeoutMs: 200 } });
    await eventually(() => proxy.connections === 2);
    proxy.mute();
    await proxy.dropReplyTo(/blpop/i);
    expect(await (await engine.client.run(echo, 1)).result()).toBe(1);
    expect(await (await engine.client.run(echo, 2)).result()).toBe(2);
    proxy.resume();
  });

  it('does not keep result() from settling, though nothing is pushed', async () => {
    const proxy = await proxyTo();
    const engine = await startEngine({ workflows: [echo] });
    const client = engine.anotherClient({ url: proxy.url });
    await client.connect();
    proxy.mute();
    expect(await (await client.run(echo, 1)).result()).toBe(1);
    proxy.resume();
  });
});

describe('a network that is silent', () => {
  it('lets a worker stop and a client close, and a call fail', async () => {
    const proxy = await proxyTo();
    const engine = await startEngine({ workflows: [echo], worker: { url: proxy.url } });
    const client = engine.anotherClient({ url: proxy.url, giveUpAfterMs: 100 });
    const handle = await client.run(echo, 1);
    await handle.result();
    proxy.pause();
    expect(await rejection(client.run(echo, 2))).toBeInstanceOf(ConnectionError);
    await Promise.all([engine.worker.stop({ timeoutMs: 0 }), client.close()]);
    proxy.resume();
  });

  it('costs a client whose connection was forgotten one more connection', async () => {
    const proxy = await proxyTo();
    const engine = await startEngine({ workflows: [echo] });
    const client = engine.anotherClient({ url: proxy.url });
    await client.connect();
    proxy.forget();
    expect(await (await client.run(echo, 1)).result()).toBe(1);
  });
});

describe('a client of the user that never gives up', () => {
  it('lets boots, calls, stops and closes end while Redis is away', async () => {
    const server = await privateRedis();
    const connection = plainRedis(server.url, { maxRetriesPerRequest: null });
    const options = {
      connection,
      connectTimeoutMs: 300,
      giveUpAfterMs: 300,
      logger: new RecordingLogger(),
      prefix: testPrefix(),
    };
    const [client, other] = [createClient(options), createClient(options)];
    const worker = await starting(options);
    await client.run(echo, 1);
    await server.kill();
    expect(await rejection(other.connect())).toBeInstanceOf(ConnectionError);
    expect(await rejection(client.run(echo, 2))).toBeInstanceOf(ConnectionError);
    expect(await rejection(starting(options))).toBeInstanceOf(ConnectionError);
    await Promise.all([worker.stop({ timeoutMs: 0 }), client.close(), other.close()]);
  });

  it('may be closed by the user: workers and clients go on', async () => {
    const connection = plainRedis(testRedisUrl());
    const engine = await startEngine({ workflows: [echo], worker: { connection }, client: { connection } });
    connection.disconnect();
    await eventually(() => connection.status === 'end');
    expect(await (await engine.client.run(echo, 1)).result()).toBe(1);
  });
});

describe('a boot', () => {
  it('waits for a Redis that is late', async () => {
    const server = await privateRedis();
    await server.kill();
    const logger = new RecordingLogger();
    const started = starting({ url: server.url, connectTimeoutMs: HOUR_MS, logger });
    const connected = createClient({ url: server.url, connectTimeoutMs: HOUR_MS, logger });
    whenTestEnds(() => connected.close());
    const connecting = connected.connect();
    await eventually(() => logger.matching('warn', /ECONNREFUSED/).length === 2);
    await server.restart();
    await Promise.all([started, connecting]);
  });

  it('fails on a replica, in its words', async () => {
    const server = await privateRedis();
    await plainRedis(server.url).replicaof('127.0.0.1', 1);
    const options = { url: server.url, connectTimeoutMs: 300, logger: new RecordingLogger(), prefix: testPrefix() };
    const client = createClient(options);
    whenTestEnds(() => client.close());
    for (const error of [await rejection(client.connect()), await rejection(starting(options))]) {
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error.message).toContain('READONLY It is a replica, which takes no writes');
      expect(error.message).toContain(`127.0.0.1:${server.port} (option "url"`);
    }
  });

  it('fails on a server that refuses writes, in its words', async () => {
    const server = await privateRedis();
    await plainRedis(server.url).config('SET', 'min-replicas-to-write', '1');
    const error = await rejection(starting({ url: server.url, connectTimeoutMs: 300 }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain(`127.0.0.1:${server.port} (option "url"`);
    expect(error.message).toContain('NOREPLICAS ');
  });

  it('can be stopped', async () => {
    const refusing = await privateRedis();
    await plainRedis(refusing.url).config('SET', 'min-replicas-to-write', '1');
    for (const url of [refusing.url, 'redis://127.0.0.1:1']) {
      const stop = new AbortController();
      const started = rejection(starting({ url, connectTimeoutMs: HOUR_MS }, stop.signal));
      setTimeout(() => stop.abort(), 100);
      expect(await started).toBeInstanceOf(ConnectionError);
    }
  });

  it('fails at a silent server, with its address', async () => {
    const proxy = await proxyTo();
    proxy.mute();
    const error = await rejection(starting({ url: proxy.url, connectTimeoutMs: 300 }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain(new URL(proxy.url).host);
    proxy.resume();
  });

  it('fails where no node of a Cluster answers, naming them', async () => {
    const connection = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
    const error = await rejection(starting({ connection, connectTimeoutMs: 300 }));
    expect(error.message).toBe(
      'Cannot reach the Redis Cluster at 127.0.0.1:1 (option "connection"): none of its nodes answers. Start Redis there, or correct the option.',
    );
  });

  it('fails where no Sentinel answers, naming them and the primary', async () => {
    const connection = { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster' };
    const logger = new RecordingLogger();
    const error = await rejection(starting({ connection, connectTimeoutMs: 2_000, logger }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('the primary "mymaster" of the Sentinels at 127.0.0.1:1 (option "connection")');
    expect(logger.matching('warn', /mymaster/)).toHaveLength(1);
  });
});

describe('giveUpAfterMs and connectTimeoutMs', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '30s'])('are refused as %p', (value) => {
    for (const name of ['giveUpAfterMs', 'connectTimeoutMs']) {
      expect(() => createClient({ [name]: value as number })).toThrow(`Expected \`${name}\` to be an integer`);
    }
  });

  it('have a longest and defaults', () => {
    expect(() => createClient({ giveUpAfterMs: 50_001 })).toThrow('from 1 to 50000');
    createClient({ giveUpAfterMs: undefined, connectTimeoutMs: undefined });
  });
});

describe('a Redis Cluster whose named node is gone', () => {
  it('is reached by the nodes that were seen before', async () => {
    const [named, other] = await startCluster(2);
    const [first, second] = [named, other].map(({ host, port }) =>
      plainRedis(`redis://${host}:${port}`, { retryStrategy: () => null }),
    );
    for (const node of [first, second]) await node.config('SET', 'cluster-require-full-coverage', 'no');
    // The second node has the upper half of the slots.
    const prefix = await eventually(async () => {
      const name = `${testPrefix()}:${Math.random()}`;
      return (await second.cluster('KEYSLOT', `{${name}}`)) >= 8_192 && name;
    });
    const connection = new Cluster([named], { lazyConnect: true });
    whenTestEnds(async () => connection.disconnect());
    const client = createClient({ connection, prefix: String(prefix), logger: new RecordingLogger() });
    whenTestEnds(() => client.close());
    const { id } = await client.runByName('echo', 1, { allowUnknown: true });
    await first.shutdown('NOSAVE').catch(() => undefined);
    await second.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await client.getRun(id)).toMatchObject({ id, status: 'queued' });
  });
});

describe('a Redis Cluster that is down', () => {
  async function clusterDown(): Promise<{ connection: Cluster; node: Redis; down(): Promise<void>; up(): Promise<void> }> {
    const [{ host, port }] = await startCluster();
    const node = plainRedis(`redis://${host}:${port}`);
    // Redis 6.2 takes no ranges.
    const slots = Array.from({ length: 16_384 }, (_, slot) => String(slot));
    const connection = new Cluster([{ host, port }], { lazyConnect: true });
    whenTestEnds(async () => connection.disconnect());
    return {
      connection,
      node,
      down: async () => {
        await node.call('CLUSTER', 'DELSLOTS', ...slots);
        await node.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
      up: async () => {
        await node.call('CLUSTER', 'ADDSLOTS', ...slots);
      },
    };
  }

  it('is worked with again when it is back', async () => {
    const { connection, down, up } = await clusterDown();
    const options = { connection, prefix: testPrefix(), logger: new RecordingLogger() };
    await starting({ ...options, blockTimeoutMs: 100 });
    const client = createClient(options);
    whenTestEnds(() => client.close());
    await (await client.run(echo, 1)).result();
    await down();
    const created = client.run(echo, 2);
    await eventually(() => options.logger.matching('warn', /the Redis Cluster .* does not work/).length > 0);
    await up();
    expect(await (await created).result()).toBe(2);
  });

  it('lets an idle worker stop and a client close', async () => {
    const { connection, down } = await clusterDown();
    const options = { connection, prefix: testPrefix(), logger: new RecordingLogger(), giveUpAfterMs: 300 };
    const worker = await starting(options);
    const client = createClient(options);
    await client.connect();
    await down();
    const error = await rejection(client.run(echo, 1));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('the Redis Cluster at 127.0.0.1:');
    await Promise.all([worker.stop({ timeoutMs: 0 }), client.close()]);
  });
});
