import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConnectionError, RedflowClient, RedflowModule, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { startRedis } from '../../../lib/testing/index.js';
import { redisPassingFor } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { compileApp, connection, gate, withApp } from '../fixtures.js';

let door = gate();

@Workflow()
class GatedWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<string> {
    door.reach();
    await door.opened;
    return 'drained';
  }
}

const metadata = { providers: [GatedWorkflow] };

describe('lifecycle', () => {
  it('runs in an application context, too, and closes twice', async () => {
    @Module({ imports: [RedflowModule.forRoot(connection())], providers: [GatedWorkflow] })
    class AppModule {}
    door = gate();
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    door.open();
    const handle = await app.get(RedflowClient).run(GatedWorkflow, undefined);
    expect(await handle.result()).toBe('drained');
    await app.close();
    await app.close();
  });

  it('claims nothing before the application has booted', async () => {
    const options = connection();
    door = gate();
    await withApp(
      metadata,
      async ({ client }) => {
        const handle = await client.run(GatedWorkflow, undefined, { runId: 'early' });
        expect((await handle.getState()).status).toBe('queued');
      },
      { redflow: { ...options, worker: false } },
    );
    door.open();
    await withApp(metadata, async ({ client }) => expect(await client.getHandle('early').result()).toBe('drained'), {
      redflow: options,
    });
  });

  it('drains the worker on close while the client still works', async () => {
    @Injectable()
    class LastWords implements OnApplicationShutdown {
      status?: string;
      constructor(private readonly client: RedflowClient) {}
      async onApplicationShutdown(): Promise<void> {
        this.status = (await this.client.getRun('last'))?.status;
      }
    }
    door = gate();
    const module = await compileApp({ providers: [GatedWorkflow, LastWords] });
    await module.init();
    await module.get(RedflowClient).run(GatedWorkflow, undefined, { runId: 'last' });
    await door.reached;
    const closed = module.close();
    door.open();
    await closed;
    expect(module.get(LastWords).status).toBe('succeeded');
  });

  it('executes nothing with worker: false', async () => {
    await withApp(
      metadata,
      async ({ client }) => {
        expect((await client.getStats()).workers).toEqual([]);
        expect(await (await client.run(GatedWorkflow, undefined)).getState()).toMatchObject({ status: 'queued' });
      },
      { redflow: { worker: false } },
    );
  });

  it('starts no worker without workflows', async () => {
    await withApp({}, async ({ client }) => expect((await client.getStats()).workers).toEqual([]));
  });

  it('can be closed while it boots, and then again', async () => {
    const before = process.getActiveResourcesInfo().length;
    const module = await compileApp(metadata);
    const booted = module.init();
    await Promise.all([module.close(), module.close(), booted]);
    await module.close();
    await eventually(async () => process.getActiveResourcesInfo().length <= before);
  });

  it('can be closed before it was started', async () => {
    await (await compileApp(metadata)).close();
  });

  it('refuses to boot without Redis, naming host, port and option', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const module = await compileApp(metadata, { redflow: { url: `redis://127.0.0.1:${port}`, connectTimeoutMs: 300 } });
    const error = await module.init().catch((reason) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('127.0.0.1');
    expect(error.message).toContain(String(port));
    expect(error.message).toContain('url');
  });

  it('ends in time for a platform that kills after 30 s, though Redis is away', async () => {
    const redis = await startRedis();
    const module = await compileApp(metadata, { redflow: { url: redis.url, worker: { shutdownTimeoutMs: 1 } } });
    try {
      door = gate();
      await module.init();
      await module.get(RedflowClient).run(GatedWorkflow, undefined);
      await door.reached;
      await redis.kill();
      const closedAt = performance.now();
      await module.close();
      // With the default of shutdownTimeoutMs, 20 s, there are 10 s left.
      expect(performance.now() - closedAt).toBeLessThan(9_000);
    } finally {
      door.open();
      await redis.stop();
    }
  }, 60_000);

  it('disconnects when the worker refuses to start', async () => {
    const module = await compileApp(metadata, { redflow: { url: await redisPassingFor('5.0.14') } });
    await expect(module.init()).rejects.toThrow('5.0.14');
    // Not closed on purpose: Nest runs no shutdown hooks after a failed boot, and this test must leave no socket open.
  });
});
