import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ConnectionError,
  getRedflowClientToken,
  RedflowClient,
  RedflowModule,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { redisPassingFor } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { compileApp, connection, gate, redisUrl } from '../fixtures.js';

type Name = 'default' | 'reports';

const log: string[] = [];
let doors = { default: gate(), reports: gate() };

/** Something that workflows use, with a life of its own: a pool of connections, a cache. */
@Injectable()
class Database implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly client: RedflowClient) {}

  async onApplicationBootstrap(): Promise<void> {
    log.push(`database opens, ${(await this.client.getStats()).workers.length} workers`);
  }

  onModuleDestroy(): void {
    log.push('database closes');
  }
}

/** Reaches its door and waits: for the one that the test names to be opened, else until its worker hands it back. */
async function work({ signal }: WorkflowContext<Name | null>, connection: Name, waitsFor: Name | null): Promise<void> {
  doors[connection].reach();
  if (waitsFor) await doors[waitsFor].opened;
  else await new Promise((resolve) => signal.addEventListener('abort', resolve));
  log.push(`${connection} ends`);
  doors[connection].open();
}

@Workflow('query')
class QueryWorkflow {
  async run(ctx: WorkflowContext<Name | null>): Promise<void> {
    await work(ctx, 'default', ctx.input);
  }
}

@Workflow({ name: 'query', connection: 'reports' })
class ReportWorkflow {
  async run(ctx: WorkflowContext<Name | null>): Promise<void> {
    await work(ctx, 'reports', ctx.input);
  }
}

beforeEach(() => {
  log.length = 0;
  doors = { default: gate(), reports: gate() };
});

const sockets = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;

describe('workers of an application', () => {
  it.each([true, false])('begin after all other modules and end before them, isGlobal: %s', async (isGlobal) => {
    const redflow = RedflowModule.forRoot(connection({ worker: { shutdownTimeoutMs: 1 }, isGlobal }));
    @Module({ imports: [redflow], providers: [Database] })
    class DatabaseModule {}
    const module = await compileApp({ imports: [DatabaseModule], providers: [QueryWorkflow] }, { redflow });
    await module.init();
    await module.get(RedflowClient, { strict: false }).run(QueryWorkflow, null);
    await doors.default.reached;
    await module.close();
    expect(log).toEqual(['database opens, 0 workers', 'default ends', 'database closes']);
  });

  it('begin after what is in the root module and end before it, however deep the connection is', async () => {
    const redflow = RedflowModule.forRoot(connection({ worker: { shutdownTimeoutMs: 1 } }));
    @Module({ imports: [redflow] })
    class InfrastructureModule {}
    @Module({ imports: [InfrastructureModule], providers: [Database, QueryWorkflow] })
    class AppModule implements OnApplicationBootstrap, OnModuleDestroy {
      constructor(private readonly client: RedflowClient) {}

      async onApplicationBootstrap(): Promise<void> {
        log.push(`root boots, ${(await this.client.getStats()).workers.length} workers`);
      }

      onModuleDestroy(): void {
        log.push('root ends');
      }
    }
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    await app.get(RedflowClient).run(QueryWorkflow, null);
    await doors.default.reached;
    await app.close();
    expect(log).toEqual(['database opens, 0 workers', 'root boots, 0 workers', 'default ends', 'database closes', 'root ends']);
  });

  it.each([
    ['default', 'reports'],
    ['reports', 'default'],
  ] as const)(
    'end together: that of "%s" does not have to wait for that of "%s"',
    async (first, second) => {
      const timeouts = { [first]: 1, [second]: 60_000 };
      const optionsOf = (name: Name) => connection({ name, worker: { shutdownTimeoutMs: timeouts[name] } });
      const module = await compileApp(
        { imports: [RedflowModule.forRoot(optionsOf('reports'))], providers: [QueryWorkflow, ReportWorkflow] },
        { redflow: optionsOf('default') },
      );
      await module.init();
      const client = module.get(RedflowClient);
      const reports = module.get<RedflowClient>(getRedflowClientToken('reports'), { strict: false });
      await client.run(QueryWorkflow, second === 'default' ? first : null);
      await reports.run(ReportWorkflow, second === 'reports' ? first : null);
      await Promise.all([doors.default.reached, doors.reports.reached]);
      await module.close();
      expect(log).toEqual([`${first} ends`, `${second} ends`]);
    },
    20_000,
  );

  it('are none, and no socket is left, when one connection fails at boot', async () => {
    const before = sockets();
    const urls = [await redisPassingFor('5.0.14'), redisUrl()];
    for (const [url, other] of [urls, urls.toReversed()]) {
      const reports = RedflowModule.forRoot(connection({ name: 'reports', url: other }));
      const module = await compileApp({ imports: [reports], providers: [QueryWorkflow, ReportWorkflow] }, { redflow: { url } });
      await expect(module.init()).rejects.toThrow('5.0.14');
      // Not closed on purpose: an application that failed to boot may never be.
      await eventually(async () => sockets() === before);
    }
  });

  it('leave no socket of another connection when Redis cannot be reached', async () => {
    const before = sockets();
    const away = 'redis://127.0.0.1:1';
    for (const [url, other] of [
      [away, redisUrl()],
      [redisUrl(), away],
    ]) {
      const reports = RedflowModule.forRoot(connection({ name: 'reports', url: other, connectTimeoutMs: 300 }));
      const module = await compileApp(
        { imports: [reports], providers: [QueryWorkflow, ReportWorkflow] },
        { redflow: { url, connectTimeoutMs: 300 } },
      );
      await expect(module.init()).rejects.toThrow(ConnectionError);
      await eventually(async () => sockets() === before);
    }
  });
});
