import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  getRedflowClientToken,
  RedflowHealthIndicator,
  RedflowModule,
  type RedflowOptionsFactory,
  RedflowSetupError,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { RedflowTestingModule } from '../../../lib/testing/index.js';
import { bootError, connection, redisUrl, withApp } from '../fixtures.js';

@Injectable({ scope: Scope.REQUEST })
class Tenant {}

@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableTenant {}

@Injectable()
class TenantConfig implements RedflowOptionsFactory {
  constructor(readonly tenant: Tenant) {}

  createRedflowOptions() {
    return connection();
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestConfig implements RedflowOptionsFactory {
  createRedflowOptions() {
    return connection();
  }
}

@Injectable()
class FieldConfig implements RedflowOptionsFactory {
  @Inject(REQUEST) readonly request: unknown;

  createRedflowOptions() {
    return connection();
  }
}

const tokens = [Tenant, DurableTenant, TenantConfig];
@Module({ providers: tokens, exports: tokens })
class TenantModule {}

@Workflow('echo')
class EchoWorkflow {
  async run(ctx: WorkflowContext<string>): Promise<string> {
    return ctx.input;
  }
}

const imports = [TenantModule];
const sockets = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;

describe('options that depend on a request', () => {
  it.each([
    ['useFactory', RedflowModule.forRootAsync({ imports, inject: [Tenant], useFactory: () => connection() }), '"Tenant"'],
    [
      'a durable provider',
      RedflowModule.forRootAsync({ imports, inject: [DurableTenant], useFactory: () => connection() }),
      '"DurableTenant"',
    ],
    ['the request itself', RedflowModule.forRootAsync({ inject: [REQUEST], useFactory: () => connection() }), '"REQUEST"'],
    ['useClass', RedflowModule.forRootAsync({ imports, useClass: TenantConfig }), '"Tenant" (injected into "TenantConfig")'],
    ['useClass of such a class', RedflowModule.forRootAsync({ useClass: RequestConfig }), '"RequestConfig"'],
    ['a property', RedflowModule.forRootAsync({ useClass: FieldConfig }), '"REQUEST" (injected into "FieldConfig")'],
    [
      'useExisting',
      RedflowModule.forRootAsync({ imports, useExisting: TenantConfig }),
      '"Tenant" (injected into "TenantConfig")',
    ],
  ])('refuse the boot, naming the provider: %s', async (_how, redflow, named) => {
    const before = sockets();
    const error = await bootError({ providers: [EchoWorkflow] }, { redflow });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      `The options of RedflowModule for connection "default" depend on ${named}, which is request-scoped. They are needed once, at boot: ` +
        'every request would open connections of its own, and no worker would start. Inject providers of the default scope.',
    );
    expect(sockets()).toBe(before);
  });

  it('refuse the boot for a named connection, and close those of the others', async () => {
    const before = sockets();
    const reports = RedflowModule.forRootAsync({ name: 'reports', imports, inject: [Tenant], useFactory: () => connection() });
    const error = await bootError({ imports: [reports], providers: [EchoWorkflow] });
    expect(error.message).toContain('The options of RedflowModule for connection "reports" depend on "Tenant"');
    expect(sockets()).toBe(before);
  });

  it('refuse the boot of an application under test', async () => {
    const redflow = RedflowModule.forRootAsync({ imports, inject: [Tenant], useFactory: () => ({}) });
    const error = await bootError({ imports: [RedflowTestingModule.forApp({ url: redisUrl() })] }, { redflow });
    expect(error.message).toContain('depend on "Tenant", which is request-scoped');
  });
});

describe('a provider of RedflowModule that is overridden', () => {
  it.each<[string, string | typeof RedflowHealthIndicator]>([
    ['RedflowClient', getRedflowClientToken() as never],
    ['RedflowHealthIndicator', RedflowHealthIndicator],
  ])('must not depend on a request: %s', async (name, token) => {
    const error = await bootError(
      { imports },
      {
        redflow: RedflowModule.forRootAsync({ imports, useFactory: () => connection() }),
        override: (builder) => builder.overrideProvider(token).useFactory({ factory: () => ({}), inject: [REQUEST] }),
      },
    );
    expect(error.message).toContain(`Provider "${name}" of RedflowModule for connection "default" depends on "REQUEST"`);
  });
});

describe('options that depend on a transient provider', () => {
  it('are those of the application', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Settings {
      readonly options = connection();
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const redflow = RedflowModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => settings.options,
    });
    const echoed = withApp({ providers: [EchoWorkflow] }, async ({ client }) => (await client.run(EchoWorkflow, 'hi')).result(), {
      redflow,
    });
    expect(await echoed).toBe('hi');
  });
});
