import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';
import type { ClientOptions, DebounceOptions, LimitOptions, WorkerOptions, WorkflowOptions } from './engine/index.js';

/** What is undefined overrides nothing. */
type Overrides<T> = { [K in keyof T]?: T[K] | undefined };

/** Options to lay over those of a workflow: what they leave out stays, also inside of a limit. */
export interface WorkflowOverrides extends Partial<Omit<WorkflowOptions, 'current' | 'throttle' | 'rateLimit' | 'debounce'>> {
  throttle?: Overrides<LimitOptions> | undefined;
  rateLimit?: Overrides<LimitOptions> | undefined;
  debounce?: Overrides<DebounceOptions> | undefined;
}

/** What a connection is made of: the part of the options that `forRootAsync` may compute. */
export interface RedflowConnectionOptions extends ClientOptions {
  /**
   * `false` makes this application a producer: it creates and queries runs but executes none. An object tunes the worker.
   * @default true
   */
  worker?: boolean | WorkerOptions | undefined;
  /**
   * Overrides the options of decorated workflows by name, so that configuration has the last word:
   * `{ 'invoice-sync': { maxAttempts: 10, throttle: { limit: 5 } } }`. An unknown name fails the boot of an application with a worker;
   * undefined overrides nothing.
   */
  workflows?: Record<string, WorkflowOverrides | undefined> | undefined;
  /** Options of every workflow of this connection that its decorator does not set. */
  defaults?: WorkflowOverrides | undefined;
  /**
   * Whether refused input and rate limits that leave a controller, resolver or message handler get the form of its transport
   * (`RedflowErrorsInterceptor`, for the whole application). With `false` they leave as they are, and an HTTP server answers them with
   * 500 unless a filter of yours knows them; the interceptor can still be bound where it is wanted. Of several connections each one
   * brings the interceptor along: turn it off for all of them.
   * @default true
   */
  httpErrors?: boolean | undefined;
}

/** The part of the options that must be known before any provider exists. */
export interface RedflowModuleExtras {
  /** Names a further connection: `@InjectRedflow(name)`, `@Workflow({ connection: name })`. @default 'default' */
  name?: string | undefined;
  /** Whether the client can be injected everywhere without importing the module again. @default true */
  isGlobal?: boolean | undefined;
}

/** Options of `RedflowModule.forRoot()`. */
export interface RedflowModuleOptions extends RedflowConnectionOptions, RedflowModuleExtras {}

/** Implemented by the class given to `forRootAsync({ useClass })` or `useExisting`. */
export interface RedflowOptionsFactory {
  /** The options of the connection, asked for once at the boot. */
  createRedflowOptions(): RedflowConnectionOptions | Promise<RedflowConnectionOptions>;
}

/** Options of `RedflowModule.forRootAsync()`; `name` and `isGlobal` stand beside the factory, not in what it returns. */
export type RedflowModuleAsyncOptions = ConfigurableModuleAsyncOptions<RedflowConnectionOptions, 'createRedflowOptions'> &
  RedflowModuleExtras;
