import { type DynamicModule, Module } from '@nestjs/common';
import { InvalidOptionError } from '../../engine/index.js';
import { rejectUnknownKeys } from '../../engine/test-bed/index.js';
import { REDFLOW_TEST_SEAM } from '../../redflow.constants.js';
import { RedflowModule } from '../../redflow.module.js';
import type { RedflowModuleOptions } from '../../redflow-module-options.interface.js';
import { RedflowTestBed } from './redflow-test-bed.js';
import { type RedflowTestingOptions, TestConnections } from './test-connections.js';

/** Options of `RedflowTestingModule.forRoot()`: those of `RedflowModule.forRoot()`, but for where the keys are. */
export interface RedflowTestingModuleOptions
  extends RedflowTestingOptions,
    Omit<RedflowModuleOptions, 'url' | 'prefix' | 'connection' | 'waitReplicas'> {}

const OPTION_NAMES = ['url', 'stepOverrides'] as const satisfies ReadonlyArray<keyof RedflowTestingOptions>;
const DECIDED_HERE = ['prefix', 'connection', 'waitReplicas'];

/**
 * Puts an application under test on a real Redis of its own, with a clock that {@link RedflowTestBed} moves. Each application has a
 * namespace of its own, whose keys are deleted when it is closed.
 *
 * @example
 * const module = await Test.createTestingModule({ imports: [RedflowTestingModule.forRoot(), OrdersModule] }).compile();
 * await module.init();
 * const handle = await module.get(RedflowClient).run(ReminderWorkflow, order);
 * await module.get(RedflowTestBed).advance('3d');
 * expect(await handle.result()).toBe('reminded');
 * await module.close();
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a module of Nest is a class
export class RedflowTestingModule {
  /**
   * For what imports no `RedflowModule` by itself: it is imported here.
   *
   * @throws InvalidOptionError for an option that this module decides
   */
  static forRoot({ url, stepOverrides, ...options }: RedflowTestingModuleOptions = {}): DynamicModule {
    const refused = DECIDED_HERE.find((name) => name in options);
    if (refused !== undefined) {
      throw new InvalidOptionError(
        refused,
        `RedflowTestingModule decides \`${refused}\` by itself: leave it out, or give it a \`url\``,
      );
    }
    const redflow = RedflowModule.forRoot(options);
    const app = RedflowTestingModule.forApp({ url, stepOverrides });
    return { ...app, imports: [redflow], exports: [...(app.exports ?? []), redflow] };
  }

  /**
   * For an application that imports `RedflowModule` by itself, once or several times: its connections keep their options, but for
   * `url`, `prefix`, `connection` and `waitReplicas`. Imported in the test, beside the application's module.
   *
   * @throws InvalidOptionError for an option that does not exist
   */
  static forApp(options: RedflowTestingOptions = {}): DynamicModule {
    rejectUnknownKeys(options, OPTION_NAMES, 'RedflowTestingModule.forApp()');
    return {
      module: RedflowTestingModule,
      global: true,
      providers: [
        { provide: REDFLOW_TEST_SEAM, useFactory: () => new TestConnections(options) },
        {
          provide: RedflowTestBed,
          useFactory: (connections: TestConnections) => new RedflowTestBed(connections),
          inject: [REDFLOW_TEST_SEAM],
        },
      ],
      exports: [REDFLOW_TEST_SEAM, RedflowTestBed],
    };
  }
}
