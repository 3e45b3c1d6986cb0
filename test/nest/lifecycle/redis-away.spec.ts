import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { ConnectionError, Workflow } from '../../../lib/index.js';
import { RedflowWorkers } from '../../../lib/lifecycle/redflow.workers.js';
import { type RedisServer, startRedis } from '../../../lib/testing/index.js';
import { askedAgain } from '../../support/asked-again.js';
import { compileApp } from '../fixtures.js';

const HOUR_MS = 3_600_000;

@Workflow('order')
@Injectable()
class OrderWorkflow {
  async run(): Promise<string> {
    return 'ordered';
  }
}

const metadata = { providers: [OrderWorkflow] };

/** A Redis that is there and refuses every write. */
async function withRefusingRedis(use: (server: RedisServer, admin: Redis) => Promise<void>): Promise<void> {
  const server = await startRedis({ appendonly: false });
  const admin = new Redis(server.url);
  try {
    await admin.config('SET', 'min-replicas-to-write', '1');
    await use(server, admin);
  } finally {
    admin.disconnect();
    await server.stop();
  }
}

describe('an application whose Redis refuses writes', () => {
  it('fails to boot within connectTimeoutMs, in the words of the server', () =>
    withRefusingRedis(async ({ url }) => {
      const module = await compileApp(metadata, { redflow: { url, connectTimeoutMs: 300 } });
      await expect(module.init()).rejects.toThrow('NOREPLICAS');
    }));

  it('boots once it takes them', () =>
    withRefusingRedis(async ({ url }, admin) => {
      const module = await compileApp(metadata, { redflow: { url, connectTimeoutMs: HOUR_MS } });
      const booted = module.init();
      await askedAgain(admin);
      await admin.config('SET', 'min-replicas-to-write', '0');
      await booted;
      await module.close();
    }));

  it('can be drained while its worker starts', () =>
    withRefusingRedis(async ({ url }, admin) => {
      const module = await compileApp(metadata, { redflow: { url, connectTimeoutMs: HOUR_MS } });
      const booted = module.init().catch((error: unknown) => error);
      await askedAgain(admin);
      await module.get(RedflowWorkers, { strict: false }).onModuleDestroy();
      expect(await booted).toBeInstanceOf(ConnectionError);
      await module.close();
    }));
});
