import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import {
  getRedflowClientToken,
  InjectRedflow,
  InvalidOptionError,
  RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  type RedflowOptionsFactory,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { bootError, connection, withApp } from '../fixtures.js';

@Workflow()
class EchoWorkflow {
  async run(ctx: WorkflowContext<string>): Promise<string> {
    return ctx.input;
  }
}

@Workflow({ connection: 'reports' })
class ReportWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return 'report';
  }
}

@Injectable()
class Reporter {
  constructor(
    readonly client: RedflowClient,
    @InjectRedflow('reports') readonly reports: RedflowClient,
    @InjectRedflow() readonly same: RedflowClient,
  ) {}
}

@Injectable()
class Factory implements RedflowOptionsFactory {
  createRedflowOptions(): RedflowModuleOptions {
    return connection();
  }
}

@Module({ providers: [Factory], exports: [Factory] })
class FactoryModule {}

const echo = (app: { client: RedflowClient }) => app.client.run(EchoWorkflow, 'hi').then((handle) => handle.result());

describe('RedflowModule', () => {
  it.each([
    ['useFactory', RedflowModule.forRootAsync({ useFactory: async () => connection() })],
    [
      'useFactory with inject',
      RedflowModule.forRootAsync({ imports: [FactoryModule], inject: [Factory], useFactory: () => connection() }),
    ],
    ['useClass', RedflowModule.forRootAsync({ useClass: Factory })],
    ['useExisting', RedflowModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory })],
  ])('is configured by forRootAsync({ %s })', async (_how, redflow) => {
    expect(await withApp({ providers: [EchoWorkflow] }, echo, { redflow })).toBe('hi');
  });

  it('gives the codec to client and worker', async () => {
    const encoded: string[] = [];
    const codec = {
      encode: (json: string) => `${encoded.push(json)} ${json}`,
      decode: (stored: string | Uint8Array) => String(stored).replace(/^\d+ /, ''),
    };
    expect(await withApp({ providers: [EchoWorkflow] }, echo, { redflow: connection({ codec }) })).toBe('hi');
    expect(encoded).toEqual(['"hi"', '"hi"']);
  });

  it('keeps named connections apart', async () => {
    const reports = RedflowModule.forRoot(connection({ name: 'reports' }));
    const metadata = { imports: [reports], providers: [EchoWorkflow, ReportWorkflow, Reporter] };
    await withApp(metadata, async ({ module, client }) => {
      const reporter = module.get(Reporter);
      expect(reporter.same).toBe(client);
      expect(reporter.reports).not.toBe(client);
      expect(module.get(getRedflowClientToken('reports'), { strict: false })).toBe(reporter.reports);
      expect(await echo({ client })).toBe('hi');
      const handle = await reporter.reports.run(ReportWorkflow, undefined);
      expect(await handle.result()).toBe('report');
      expect(await client.getRun(handle.id)).toBeNull();
      await expect(client.run(ReportWorkflow, undefined)).rejects.toThrow(
        'Workflow class "ReportWorkflow" belongs to connection "reports", not to "default": inject its client with ' +
          "@InjectRedflow('reports').",
      );
    });
  });

  it('keeps workflows of one name on two connections apart, each with its overrides', async () => {
    @Workflow('sync')
    class Sync {
      async run(ctx: WorkflowContext<void>): Promise<string> {
        return `default ${ctx.run.queue} ${ctx.run.version}`;
      }
    }
    @Workflow({ name: 'sync', connection: 'reports' })
    class ReportsSync {
      async run(ctx: WorkflowContext<void>): Promise<string> {
        return `reports ${ctx.run.queue} ${ctx.run.version}`;
      }
    }
    const reports = RedflowModule.forRootAsync({
      name: 'reports',
      useFactory: () => connection({ workflows: { sync: { queue: 'nightly' } } }),
    });
    const redflow = { workflows: { sync: { version: 'v2' } } };
    await withApp(
      { imports: [reports], providers: [Sync, ReportsSync] },
      async ({ module, client }) => {
        const other = module.get<RedflowClient>(getRedflowClientToken('reports'), { strict: false });
        expect(await (await client.run(Sync, undefined)).result()).toBe('default default v2');
        expect(await (await other.run(ReportsSync, undefined)).result()).toBe('reports nightly undefined');
        expect(await (await other.runByName('sync', undefined)).result()).toBe('reports nightly undefined');
      },
      { redflow },
    );
  });

  it('names what is missing when a client of no connection is injected', async () => {
    @Injectable()
    class Lost {
      constructor(@InjectRedflow('reportz') readonly client: RedflowClient) {}
    }
    const error = await bootError({ providers: [Lost] });
    expect(error.message).toContain('RedflowClient:reportz');
  });

  it.each(['', null, 5])('refuses %j as a name', (name) => {
    expect(() => RedflowModule.forRoot({ name: name as string })).toThrow(
      'Expected RedflowModule option name to be text that is not empty',
    );
  });

  it('refuses a workflow of a connection that does not exist', async () => {
    const error = await bootError({ providers: [ReportWorkflow] });
    expect(error.message).toBe(
      'Workflow "report-workflow" of class "ReportWorkflow" (module "RootTestModule") belongs to connection "reports", which no ' +
        'RedflowModule has. Known: "default". Import RedflowModule.forRoot({ name: \'reports\' }) or change @Workflow({ connection }).',
    );
  });

  it('refuses two modules for one connection', async () => {
    const error = await bootError({ imports: [RedflowModule.forRoot(connection())] });
    expect(error.message).toMatch(/^RedflowModule\.forRoot\(\) was called more than once for connection "default"\./);
  });

  it('refuses to be imported without forRoot()', async () => {
    const error = await bootError({ imports: [RedflowModule] });
    expect(error.message).toMatch(/^RedflowModule was imported without options\. Import RedflowModule\.forRoot\(\) once/);
  });

  it('can be kept out of modules that do not import it', async () => {
    @Module({ providers: [{ provide: 'CLIENT', useFactory: (client: RedflowClient) => client, inject: [RedflowClient] }] })
    class FeatureModule {}
    const error = await bootError({ imports: [FeatureModule] }, { redflow: { isGlobal: false } });
    expect(error.message).toContain("can't resolve dependencies of the CLIENT");
  });

  it('lists the options there are when one is unknown', async () => {
    const redflow = { urll: 'redis://localhost' } as RedflowModuleOptions;
    const error = await bootError({}, { redflow });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toBe(
      'RedflowModule has the unsupported option "urll". Did you mean "url"? Supported options are: app, url, connection, ' +
        'connectTimeoutMs, giveUpAfterMs, prefix, maxPayloadBytes, codec, errors, context, interceptors, waitReplicas, retention, forgetAfter, logger, worker, workflows, defaults, httpErrors.',
    );
  });

  it('lists the options a worker has when one is unknown', async () => {
    const redflow = { worker: { concurency: 3 } } as RedflowModuleOptions;
    const error = await bootError({}, { redflow });
    expect(error.message).toContain(
      'RedflowModule option worker has the unsupported option "concurency". Did you mean "concurrency"?',
    );
  });

  it('wants name and isGlobal beside the factory', async () => {
    const redflow = RedflowModule.forRootAsync({ useFactory: () => connection({ name: 'reports' }) });
    const error = await bootError({}, { redflow });
    expect(error.message).toBe(
      'RedflowModule.forRootAsync() got "name" from its factory, but it is needed before the factory runs: put it beside ' +
        'useFactory, as in forRootAsync({ name, useFactory }).',
    );
  });
});
