import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { RedflowWorkflowDefinitions } from '../../lib/execution/redflow-workflow.definitions.js';
import {
  type LoggerPort,
  RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  type WorkflowDefinition,
} from '../../lib/index.js';
import { testPrefix } from '../support/namespace.js';

/** The Redis of the test run. */
export function redisUrl(): string {
  const url = process.env.REDFLOW_TEST_REDIS_URL;
  if (!url) throw new Error('REDFLOW_TEST_REDIS_URL is not set: start the tests with npm test.');
  return url;
}

export const silentLogger: LoggerPort = { log() {}, warn() {}, error() {} };

/** Options of a connection with a namespace of its own. */
export function connection(options: RedflowModuleOptions = {}): RedflowModuleOptions {
  return { url: redisUrl(), prefix: testPrefix(), logger: silentLogger, ...options };
}

export interface AppOptions {
  redflow?: RedflowModuleOptions | DynamicModule;
  override?(builder: TestingModuleBuilder): TestingModuleBuilder;
}

/** Compiles an application without starting it. */
export async function compileApp(metadata: ModuleMetadata, { redflow, override }: AppOptions = {}): Promise<TestingModule> {
  const module = redflow && 'module' in redflow ? redflow : RedflowModule.forRoot(connection(redflow));
  const builder = Test.createTestingModule({ ...metadata, imports: [module, ...(metadata.imports ?? [])] });
  return (override?.(builder) ?? builder).compile();
}

export interface App {
  module: TestingModule;
  client: RedflowClient;
}

/** Boots an application, hands it to `use` and closes it, whatever happens. */
export async function withApp<T>(metadata: ModuleMetadata, use: (app: App) => Promise<T>, options?: AppOptions): Promise<T> {
  const module = await compileApp(metadata, options);
  try {
    await module.init();
    return await use({ module, client: module.get(RedflowClient, { strict: false }) });
  } finally {
    await module.close();
  }
}

/** The error with which an application refuses to boot. */
export async function bootError(metadata: ModuleMetadata, options?: AppOptions): Promise<Error> {
  try {
    await withApp(metadata, async () => {}, options);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('The application was expected to refuse to boot.');
}

/** The definitions an application makes of its providers, by name. */
export async function definitionsOf(metadata: ModuleMetadata, options?: AppOptions): Promise<Map<string, WorkflowDefinition>> {
  const list = await withApp(metadata, async ({ module }) => module.get(RedflowWorkflowDefinitions).registry.list(), {
    ...options,
    redflow: { worker: false, ...options?.redflow },
  });
  return new Map(list.map((definition) => [definition.name, definition]));
}

/** A gate that a handler waits at and a test opens. */
export function gate(): { reached: Promise<void>; reach(): void; opened: Promise<void>; open(): void } {
  let reach = () => {};
  let open = () => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { reached, reach, opened, open };
}
