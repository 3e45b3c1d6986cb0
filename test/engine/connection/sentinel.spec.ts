import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient, startWorker, type WorkflowContext } from '../../../lib/engine/index.js';
import { startRedis } from '../../../lib/testing/index.js';
import { RecordingLogger, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { testPrefix } from '../../support/namespace.js';
import { type Sentinel, startSentinel } from '../../support/sentinel.js';

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

async function startServer(): Promise<{ port: number; redis: Redis }> {
  const server = await startRedis({ appendonly: false });
  const redis = new Redis(server.url);
  whenTestEnds(async () => {
    redis.disconnect();
    await server.stop();
  });
  return { port: server.port, redis };
}

/** Connections that are told of a failover; the Sentinel's own are not counted. */
async function listeners({ redis }: Sentinel): Promise<number> {
  const clients = String(await redis.client('LIST'));
  return clients.split('\n').filter((line) => / sub=1 /.test(line)).length;
}

describe('Redis behind a Sentinel', () => {
  it('is followed to its new primary when the Sentinel announces it', async () => {
    const [old, next] = await Promise.all([startServer(), startServer()]);
    await next.redis.replicaof('127.0.0.1', old.port);
    await eventually(async () => (await old.redis.info('replication')).includes('state=online'));
    const sentinel = await startSentinel(old.port, 1);
    const connection = { sentinels: [{ host: sentinel.host, port: sentinel.port }], name: sentinel.name };
    const options = { connection, prefix: testPrefix(), logger: new RecordingLogger() };
    const worker = await startWorker({ ...options, workflows: [echo], blockTimeoutMs: 200 });
    whenTestEnds(() => worker.stop());
    const client = createClient(options);
    whenTestEnds(() => client.close());
    expect(await (await client.run(echo, 1)).result()).toBe(1);
    expect(await listeners(sentinel)).toBe(2);

    await eventually(async () => (await sentinel.redis.call('SENTINEL', 'FAILOVER', sentinel.name)) === 'OK');
    await eventually(async () => (await next.redis.info('replication')).includes('role:master'));
    await eventually(async () => String(await next.redis.client('LIST')).includes('cmd=evalsha'), 'the worker has followed');
    const handle = await client.run(echo, 2);
    expect(await handle.result()).toBe(2);
    expect(await next.redis.exists(`{${options.prefix}}:run:${handle.id}`)).toBe(1);
  });

  it('leaves no connection to the Sentinel open', async () => {
    const { port } = await startServer();
    const sentinel = await startSentinel(port);
    const connection = { sentinels: [{ host: sentinel.host, port: sentinel.port }], name: sentinel.name };
    const client = createClient({ connection, prefix: testPrefix(), logger: new RecordingLogger() });
    await client.connect();
    await eventually(async () => (await listeners(sentinel)) === 1);
    await client.close();
    await eventually(async () => (await listeners(sentinel)) === 0);
  });
});
