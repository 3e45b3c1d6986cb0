import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import {
  ConnectionError,
  createClient,
  createRegistry,
  defineWorkflow,
  getDefaultClient,
  InvalidOptionError,
  setDefaultClient,
  startWorker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { RecordingLogger, rejection, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { keysUnder, testPrefix, testRedisUrl } from '../../support/namespace.js';
import { type RedisCluster, RedisServers } from '../../support/redis-servers.mjs';

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

function ownRedis(): Redis {
  const redis = new Redis(testRedisUrl());
  whenTestEnds(async () => redis.disconnect());
  return redis;
}

describe('a connection that the user passed in', () => {
  it('is left open by client and worker', async () => {
    const redis = ownRedis();
    const prefix = testPrefix();
    const logger = new RecordingLogger();
    const client = createClient({ connection: redis, prefix, logger });
    const worker = await startWorker({ connection: redis, prefix, logger, workflows: [echo] });
    expect(await (await client.run(echo, 1)).result()).toBe(1);
    await worker.stop();
    await client.close();
    expect(redis.status).toBe('ready');
    expect(await redis.ping()).toBe('PONG');
    expect(redis.listenerCount('error')).toBe(0);
  });

  it('may be options of ioredis', async () => {
    const { hostname: host, port } = new URL(testRedisUrl());
    const connection = { host, port: Number(port) };
    const engine = await startEngine({ workflows: [echo], worker: { connection }, client: { connection } });
    expect(await (await engine.client.run(echo, 1)).result()).toBe(1);
  });
});

describe('a Redis Cluster', () => {
  /** As of another copy of the package, of which the classes are others. */
  function foreignCluster(): typeof Cluster {
    const require = createRequire(import.meta.url);
    let copy!: typeof import('ioredis');
    jest.isolateModules(() => {
      copy = require('ioredis');
    });
    return copy.Cluster;
  }

  async function cluster(): Promise<RedisCluster> {
    const servers = new RedisServers();
    whenTestEnds(() => servers.close());
    return servers.cluster();
  }

  it('may be of another copy of ioredis', async () => {
    const { addresses } = await cluster();
    const Foreign = foreignCluster();
    expect(Foreign).not.toBe(Cluster);
    const connection = new Foreign(addresses, { lazyConnect: true });
    whenTestEnds(async () => connection.disconnect());
    const prefix = testPrefix();
    const logger = new RecordingLogger();
    const client = createClient({ connection, prefix, logger });
    whenTestEnds(() => client.close());
    await client.connect();
    const worker = await startWorker({ connection, prefix, logger, workflows: [echo] });
    whenTestEnds(() => worker.stop());
    expect(await (await client.run(echo, 1)).result()).toBe(1);
    await client.resetState({ confirm: prefix });
    expect(() => createClient({ connection, waitReplicas: { count: 1, timeout: 1 } })).toThrow(InvalidOptionError);
  });

  it('is told apart from one of its nodes as `url`, which is refused or warned of', async () => {
    const redis = await cluster();
    const prefix = testPrefix();
    const { owner } = await redis.ownerOf(`{${prefix}}`);
    const logger = new RecordingLogger();
    for (const { url } of redis.nodes.filter((node) => node !== owner)) {
      const client = createClient({ url, prefix, logger });
      whenTestEnds(() => client.close());
      const refused = [
        rejection(client.connect()),
        rejection(client.run(echo, 1)),
        rejection(startWorker({ url, prefix, logger, workflows: [echo] })),
      ];
      for (const error of await Promise.all(refused)) {
        expect(error).toBeInstanceOf(InvalidOptionError);
        expect(error.message).toContain('is one node of a Redis Cluster');
        expect(error.message).toContain('Write `connection: new Cluster([{ host, port }])`');
      }
    }
    const worker = await startWorker({ url: owner.url, prefix, logger, workflows: [echo] });
    whenTestEnds(() => worker.stop());
    expect(logger.matching('warn', /is one node of a Redis Cluster/)).toHaveLength(1);
  });
});

describe('client.close()', () => {
  it('lets what was issued finish, and may be called again', async () => {
    const engine = await startEngine({ worker: false });
    const client = engine.anotherClient();
    const created = client.run(echo, 1, { runId: 'r1' });
    await Promise.all([created, client.close(), client.close()]);
    expect(await engine.client.getRun('r1')).toMatchObject({ status: 'queued' });
  });

  it('is fine for a client that was never used', async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1', prefix: testPrefix() });
    await client.close();
  });
});

describe('an unreachable Redis', () => {
  const url = 'redis://user:secret@127.0.0.1:1';

  it('fails connect() with host, port and option, and without the password', async () => {
    const client = createClient({ url, prefix: testPrefix(), logger: new RecordingLogger(), connectTimeoutMs: 500 });
    whenTestEnds(() => client.close());
    const error = await rejection(client.connect());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.message).toContain('"url"');
    expect(error.message).not.toContain('secret');
  });

  it('fails the start of a worker, which leaves nothing open', async () => {
    const started = startWorker({
      url,
      prefix: testPrefix(),
      logger: new RecordingLogger(),
      workflows: [echo],
      connectTimeoutMs: 500,
    });
    expect(await rejection(started)).toBeInstanceOf(ConnectionError);
  });
});

describe('environment variables', () => {
  const before = { ...process.env };
  afterEach(() => {
    for (const name of ['REDIS_URL', 'REDFLOW_PREFIX', 'REDFLOW_APP', 'REDFLOW_RUN_RETENTION_DAYS']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it('REDIS_URL, REDFLOW_PREFIX and REDFLOW_APP say where and who', async () => {
    const prefix = testPrefix();
    Object.assign(process.env, { REDIS_URL: testRedisUrl(), REDFLOW_PREFIX: prefix, REDFLOW_APP: 'from-env' });
    const logger = new RecordingLogger();
    const worker = await startWorker({ logger, workflows: [echo] });
    whenTestEnds(() => worker.stop());
    const client = createClient({ logger });
    whenTestEnds(() => client.close());
    expect(await (await client.run(echo, 'hi')).result()).toBe('hi');
    expect((await client.getStats()).workers).toMatchObject([{ app: 'from-env' }]);
    expect((await keysUnder(prefix)).length).toBeGreaterThan(0);
  });

  it('are overruled by options', async () => {
    Object.assign(process.env, { REDIS_URL: 'redis://127.0.0.1:1', REDFLOW_PREFIX: 'nobody', REDFLOW_APP: 'from-env' });
    const engine = await startEngine({ workflows: [echo], worker: { app: 'given' } });
    expect(await (await engine.client.run(echo, 1)).result()).toBe(1);
    expect((await engine.client.getStats()).workers).toMatchObject([{ app: 'given' }]);
  });

  it('REDFLOW_RUN_RETENTION_DAYS says how long ended runs are kept', async () => {
    process.env.REDFLOW_RUN_RETENTION_DAYS = '0.5';
    const engine = await startEngine({ workflows: [echo] });
    await (await engine.client.run(echo, 1)).result();
    await engine.advance(43_199_000);
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 0 });
    await engine.advance(2_000);
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 1 });
  });

  it.each(['0', '-1', 'many', 'NaN'])('REDFLOW_RUN_RETENTION_DAYS=%s is refused', (days) => {
    process.env.REDFLOW_RUN_RETENTION_DAYS = days;
    expect(() => createClient()).toThrow(InvalidOptionError);
    expect(() => createClient()).toThrow(/REDFLOW_RUN_RETENTION_DAYS/);
  });
});

describe('the default client', () => {
  afterEach(async () => {
    setDefaultClient(undefined);
  });

  it("serves definitions' run()", async () => {
    const engine = await startEngine({ workflows: [echo] });
    setDefaultClient(engine.client);
    expect(getDefaultClient()).toBe(engine.client);
    const handle = await echo.run('hi', { runId: 'r1' });
    expect(handle.id).toBe('r1');
    expect(await handle.result()).toBe('hi');
  });

  it('is made once, on first use', async () => {
    const client = getDefaultClient();
    whenTestEnds(() => client.close());
    expect(getDefaultClient()).toBe(client);
    setDefaultClient(undefined);
    const next = getDefaultClient();
    whenTestEnds(() => next.close());
    expect(next).not.toBe(client);
  });
});

describe('the default registry', () => {
  it('holds what names no other, and is served by a worker without `workflows`', async () => {
    const flow = defineWorkflow('of-the-default-registry', { handler: (ctx: WorkflowContext<number>) => ctx.input + 1 });
    const elsewhere = defineWorkflow('elsewhere', { handler: () => 1, registry: createRegistry() });
    const engine = await startEngine({});
    expect(await engine.client.listWorkflows()).toEqual([flow.name]);
    expect(await (await engine.client.runByName(flow.name, 1)).result()).toBe(2);
    expect((await rejection(engine.client.runByName(elsewhere.name, 1))).name).toBe('UnknownWorkflowError');
    expect(() => defineWorkflow(flow.name, { handler: () => 1 })).toThrow(InvalidOptionError);
  });
});
