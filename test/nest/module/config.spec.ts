import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import {
  InjectRedflow,
  InvalidOptionError,
  OnCron,
  type RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  type RedflowOptionsFactory,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { bootError, connection, withApp } from '../fixtures.js';

@Workflow({ name: 'invoice-sync', maxAttempts: 2 })
class InvoiceWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<number> {
    return ctx.run.maxAttempts;
  }
}

@Injectable()
class Nightly {
  @OnCron('0 3 * * *', { name: 'nightly' })
  async clean(): Promise<void> {}
}

/** As of a process that was started with these variables. */
const config = (values: object) => ConfigModule.forRoot({ ignoreEnvFile: true, load: [registerAs('redflow', () => values)] });

const fromConfig = (values: object) =>
  RedflowModule.forRootAsync({
    imports: [config(values)],
    inject: [ConfigService],
    useFactory: (service: ConfigService) => ({ ...connection(), ...service.get<RedflowModuleOptions>('redflow') }),
  });

describe('options from a ConfigService', () => {
  it('override those of decorators, and change or end schedules', async () => {
    const redflow = fromConfig({
      workflows: {
        'invoice-sync': { maxAttempts: 7 },
        nightly: { cron: [{ expression: '0 5 * * *', timezone: 'Europe/Berlin' }] },
      },
    });
    await withApp(
      { providers: [InvoiceWorkflow, Nightly] },
      async ({ client }) => {
        expect(await (await client.run(InvoiceWorkflow, undefined)).result()).toBe(7);
        expect(await client.listSchedules()).toMatchObject([{ expression: '0 5 * * *', timezone: 'Europe/Berlin' }]);
      },
      { redflow },
    );
    const off = fromConfig({ workflows: { nightly: { cron: [] } } });
    await withApp({ providers: [Nightly] }, async ({ client }) => expect(await client.listSchedules()).toEqual([]), {
      redflow: off,
    });
  });

  it('of a workflow that the configuration has none for are those of its decorator', async () => {
    const redflow = fromConfig({ workflows: { 'invoice-sync': undefined } });
    await withApp(
      { providers: [InvoiceWorkflow] },
      async ({ client }) => expect(await (await client.run(InvoiceWorkflow, undefined)).result()).toBe(2),
      { redflow },
    );
  });

  it.each([
    [
      { worker: 'false' },
      'Expected RedflowModule option worker to be true, false or an object of options; got a string. Variables of the environment are text: convert them.',
    ],
    [{ worker: null }, 'Expected RedflowModule option worker to be true, false or an object of options; got null.'],
    [{ worker: 5 }, 'Expected RedflowModule option worker to be true, false or an object of options; got a number.'],
    [{ worker: { concurrency: '5' } }, "Expected `concurrency` to be an integer of at least 1; got '5'"],
    [{ workflows: null }, 'Expected RedflowModule option workflows to be an object by workflow names; got null.'],
    [{ workflows: [] }, 'Expected RedflowModule option workflows to be an object by workflow names; got an array.'],
    [
      { workflows: { 'invoice-sync': '{}' } },
      'Expected RedflowModule option workflows["invoice-sync"] to be an object of options; got a string.',
    ],
    [
      { httpErrors: 'false' },
      'Expected RedflowModule option httpErrors to be true or false; got a string. Variables of the environment are text: convert them.',
    ],
    [{ httpErrors: null }, 'Expected RedflowModule option httpErrors to be true or false; got null.'],
    [{ defaults: null }, 'Expected RedflowModule option defaults to be an object of options; got null.'],
    [
      { defaults: { maxAtempts: 3 } },
      'RedflowModule option defaults has the unsupported option "maxAtempts". Did you mean "maxAttempts"?',
    ],
    [
      { workflows: { 'invoice-sync': { name: 'x' } } },
      'RedflowModule option workflows["invoice-sync"] has the unsupported option "name".',
    ],
    [
      { workflows: { 'invoice-sync': { handler: () => 1 } } },
      'RedflowModule option workflows["invoice-sync"] has the unsupported option "handler".',
    ],
    [
      { workflows: { 'invoice-sync': { maxConcurrency: '5' } } },
      'Expected `maxConcurrency` to be an integer of at least 1; got \'5\' (workflow "invoice-sync") (on class "InvoiceWorkflow" ' +
        '(module "RootTestModule"), set by RedflowModule option workflows)',
    ],
    [{ defaults: { timeout: 'soon' } }, 'set by RedflowModule option defaults)'],
  ])('are refused by name when they are wrong: %j', async (values, message) => {
    const error = await bootError({ providers: [InvoiceWorkflow] }, { redflow: fromConfig(values) });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toContain(message);
  });

  it.each([
    [{ worker: { concurrency: -1 } }, 'Expected `concurrency` to be an integer of at least 1; got -1'],
    [{ worker: { watchdog: { intervalMs: 0 } } }, 'Expected `watchdog.intervalMs` to be an integer of at least 10; got 0'],
    [{ worker: { queues: [] } }, 'Expected `queues` to name at least one queue'],
    [{ worker: { app: '' } }, 'Expected the app name to be 1 to 128 bytes of text'],
    [{ maxPayloadBytes: 0 }, 'Expected `maxPayloadBytes` to be an integer of at least 1; got 0'],
    [{ retention: -1 }, 'Expected `retention` to be longer than 0 ms; got -1'],
    [{ url: 'localhost' }, 'Expected `url` to be a redis:// or rediss:// address'],
    [
      { defaults: { maxAttempts: 0 } },
      '`maxAttempts` to be an integer of at least 1; got 0 (workflow "*") (set by RedflowModule option defaults)',
    ],
    [{ defaults: { throttle: { limit: 0 } } }, 'Expected `throttle.limit` to be an integer of at least 1; got 0'],
    [
      { worker: false, workflows: { 'of-others': { maxConcurrency: 0 } } },
      'Expected `maxConcurrency` to be an integer of at least 1; got 0 (workflow "of-others") (set by RedflowModule option workflows)',
    ],
    [{ worker: false, workflows: { 'of-others': { rateLimit: { period: 'soon' } } } }, 'Expected `rateLimit.period` to be'],
  ])('are refused by an application that has no workflows: %j', async (values, message) => {
    const error = await bootError({}, { redflow: fromConfig(values) });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toContain(message);
  });

  it('may be a part of a limit, for workflows that this application does not have', async () => {
    const workflows = { 'of-others': { throttle: { limit: 5 }, debounce: { timeout: '1m' }, cron: [], input: Object } };
    await withApp({}, async () => {}, { redflow: fromConfig({ worker: false, workflows }) });
  });

  it.each([undefined, null, 'redis://user:secret@host', []])('are refused when there are none: %j', async (given) => {
    const redflow = RedflowModule.forRootAsync({ useFactory: () => given as RedflowModuleOptions });
    const error = await bootError({}, { redflow });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/^RedflowModule takes an object of options and got (undefined|null|a string|an array)\. /);
  });

  it('fail the boot with the error of the factory', async () => {
    const failure = new Error('The vault is sealed.');
    const redflow = RedflowModule.forRootAsync({ useFactory: () => Promise.reject(failure) });
    expect(await bootError({}, { redflow })).toBe(failure);
  });
});

@Injectable()
class OptionsFromConfig implements RedflowOptionsFactory {
  constructor(private readonly service: ConfigService) {}

  createRedflowOptions(): RedflowModuleOptions {
    return { ...connection(), ...this.service.get<RedflowModuleOptions>('redflow') };
  }
}

@Module({
  imports: [config({ defaults: { version: 'v7' } })],
  providers: [OptionsFromConfig],
  exports: [OptionsFromConfig, ConfigModule],
})
class OptionsModule {}

@Workflow({ name: 'report', connection: 'reports' })
class ReportWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<string | undefined> {
    return ctx.run.version;
  }
}

@Injectable()
class Reporter {
  constructor(@InjectRedflow('reports') readonly client: RedflowClient) {}
}

describe.each([true, false])('a named connection with isGlobal: %s', (isGlobal) => {
  const shared = { name: 'reports', isGlobal, imports: [OptionsModule] };
  it.each([
    ['useClass', RedflowModule.forRootAsync({ ...shared, useClass: OptionsFromConfig })],
    ['useExisting', RedflowModule.forRootAsync({ ...shared, useExisting: OptionsFromConfig })],
    [
      'useFactory',
      RedflowModule.forRootAsync({
        ...shared,
        inject: [OptionsFromConfig, { token: 'NOBODY_PROVIDES_IT', optional: true }],
        useFactory: async (factory: OptionsFromConfig, nothing?: unknown) => ({
          ...factory.createRedflowOptions(),
          ...(nothing as object),
        }),
      }),
    ],
  ])('is configured by %s', async (_how, reports) => {
    // A feature needs the import if the module is not global, and may have it either way.
    @Module({ imports: [reports], providers: [Reporter, ReportWorkflow], exports: [Reporter] })
    class ReportsModule {}
    await withApp({ imports: [reports, ReportsModule] }, async ({ module }) => {
      const { client } = module.get(Reporter, { strict: false });
      expect(await (await client.run(ReportWorkflow, undefined)).result()).toBe('v7');
    });
  });

  it('reaches modules that import one which exports it', async () => {
    const reports = RedflowModule.forRootAsync({ ...shared, useClass: OptionsFromConfig });
    @Module({ imports: [reports], exports: [RedflowModule] })
    class InfrastructureModule {}
    @Module({ imports: [InfrastructureModule], providers: [Reporter, ReportWorkflow] })
    class ReportsModule {}
    await withApp({ imports: [ReportsModule] }, async ({ module }) => {
      const { client } = module.get(Reporter, { strict: false });
      expect(await (await client.run(ReportWorkflow, undefined)).result()).toBe('v7');
    });
  });
});
