import { ConfigurableModuleBuilder, type DynamicModule, Inject, Module, Optional, type Provider } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, LazyModuleLoader } from '@nestjs/core';
import { getRedflowClientToken } from './decorators/inject-redflow.decorator.js';
import { RedflowExplorer } from './discovery/redflow.explorer.js';
import { RedflowProviderInspector } from './discovery/redflow-provider.inspector.js';
import { type ClientOptions, InvalidOptionError, RedflowClient } from './engine/index.js';
import { RedflowEnhancers } from './enhancers/redflow-enhancers.js';
import { RedflowWorkflowDefinitions } from './execution/redflow-workflow.definitions.js';
import { RedflowHealthIndicator } from './health/redflow-health.indicator.js';
import { RedflowGlobalErrorsInterceptor } from './http/redflow-global-errors.interceptor.js';
import { RedflowOrchestrator } from './lifecycle/redflow.orchestrator.js';
import { RedflowScopeInspector } from './lifecycle/redflow-scope.inspector.js';
import type { RedflowTestSeam } from './lifecycle/redflow-test-seam.interface.js';
import { workersOf } from './lifecycle/redflow-workers.module.js';
import { RedflowMetadataAccessor } from './metadata/redflow-metadata.accessor.js';
import { DEFAULT_CONNECTION, REDFLOW_CONNECTION_NAME, REDFLOW_RESOLVED_OPTIONS, REDFLOW_TEST_SEAM } from './redflow.constants.js';
import { RedflowSetupError } from './redflow.errors.js';
import { NestLoggerAdapter } from './redflow.logger.js';
import { IMPORTED_WITHOUT_FOR_ROOT, wrongKind } from './redflow.messages.js';
import { type ResolvedRedflowOptions, resolveModuleOptions } from './redflow.options.js';
import type {
  RedflowConnectionOptions,
  RedflowModuleAsyncOptions,
  RedflowModuleExtras,
  RedflowModuleOptions,
} from './redflow-module-options.interface.js';

const extras: RedflowModuleExtras = { name: undefined, isGlobal: undefined };

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<RedflowConnectionOptions>({
  moduleName: 'Redflow',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRedflowOptions')
  .setExtras(extras, (definition, { name = DEFAULT_CONNECTION, isGlobal = true }) => ({
    ...definition,
    global: isGlobal,
    imports: [...(definition.imports ?? []), DiscoveryModule],
    providers: [...(definition.providers ?? []), ...connectionProviders(checkedName(name))],
    exports: [getRedflowClientToken(name), RedflowHealthIndicator],
  }))
  .build();

/**
 * Connects an application to Redis, finds its workflows, classes and methods, and executes their runs.
 *
 * Import it once per connection. The client is injected as `RedflowClient`, that of a named connection with
 * `@InjectRedflow(name)`. It is not made the default client of the engine: definitions made with `defineWorkflow` and their
 * `.run()` have nothing to do with the application's container.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     RedflowModule.forRoot({ url: 'redis://localhost:6379' }),
 *     RedflowModule.forRootAsync({
 *       name: 'billing',
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({ url: config.getOrThrow('BILLING_REDIS_URL'), worker: false }),
 *     }),
 *   ],
 *   providers: [ReminderWorkflow],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class RedflowModule extends ConfigurableModuleClass {
  constructor(@Optional() @Inject(REDFLOW_CONNECTION_NAME) connection?: string) {
    super();
    if (connection === undefined) throw new RedflowSetupError(IMPORTED_WITHOUT_FOR_ROOT);
  }

  /**
   * @throws InvalidOptionError (at boot) for an unknown option or value
   * @throws RedflowSetupError (at boot) when workflows or connections contradict each other
   * @throws ConnectionError (at boot) when Redis cannot be reached
   */
  static override forRoot(options: RedflowModuleOptions = {}): DynamicModule {
    // biome-ignore lint/complexity/noThisInStatic: the builder takes the module class from `this`, which super keeps
    return super.forRoot(options);
  }

  /** As {@link forRoot}, with options from `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: RedflowModuleAsyncOptions): DynamicModule {
    // biome-ignore lint/complexity/noThisInStatic: the builder takes the module class from `this`, which super keeps
    return super.forRootAsync(options);
  }
}

function checkedName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new InvalidOptionError('name', wrongKind('name', 'text that is not empty', name));
}

const TEST_SEAM = { token: REDFLOW_TEST_SEAM, optional: true };

function connectionProviders(name: string): Provider[] {
  const token = getRedflowClientToken(name);
  return [
    RedflowScopeInspector,
    RedflowMetadataAccessor,
    RedflowEnhancers,
    RedflowProviderInspector,
    RedflowExplorer,
    RedflowWorkflowDefinitions,
    RedflowHealthIndicator,
    { provide: APP_INTERCEPTOR, useClass: RedflowGlobalErrorsInterceptor },
    { provide: REDFLOW_CONNECTION_NAME, useValue: name },
    { provide: REDFLOW_RESOLVED_OPTIONS, useFactory: resolveOptions, inject: [MODULE_OPTIONS_TOKEN, TEST_SEAM] },
    { provide: token, useFactory: openClient, inject: [REDFLOW_RESOLVED_OPTIONS, RedflowWorkflowDefinitions] },
    {
      provide: RedflowOrchestrator,
      useFactory: async (
        connection: string,
        client: RedflowClient,
        options: ResolvedRedflowOptions,
        explorer: RedflowExplorer,
        definitions: RedflowWorkflowDefinitions,
        loader: LazyModuleLoader,
        seam?: RedflowTestSeam,
      ) => {
        const workers = await workersOf(loader);
        const orchestrator = new RedflowOrchestrator(connection, client, options, explorer, definitions, workers, seam?.stepsOf);
        seam?.adopt(orchestrator, options.client);
        return orchestrator;
      },
      inject: [
        REDFLOW_CONNECTION_NAME,
        token,
        REDFLOW_RESOLVED_OPTIONS,
        RedflowExplorer,
        RedflowWorkflowDefinitions,
        LazyModuleLoader,
        TEST_SEAM,
      ],
    },
  ];
}

async function resolveOptions(given: RedflowConnectionOptions, seam?: RedflowTestSeam): Promise<ResolvedRedflowOptions> {
  const options = resolveModuleOptions(given);
  const client = { ...options.client, ...(await seam?.connection()) };
  const logger = client.logger ?? new NestLoggerAdapter();
  return { ...options, client: { ...client, logger, errors: withOwnErrors(client.errors) } };
}

/** The engine does not know the errors of this layer. What is no list is left to it. */
function withOwnErrors(errors: ClientOptions['errors'] = []): ClientOptions['errors'] {
  return Array.isArray(errors) ? [...errors, RedflowSetupError] : errors;
}

function openClient({ client }: ResolvedRedflowOptions, definitions: RedflowWorkflowDefinitions): RedflowClient {
  return new RedflowClient(client, {
    registry: definitions.registry,
    resolveClass: (target) => definitions.resolveClass(target),
  });
}
