// Compiled with `exactOptionalPropertyTypes`, by test/unit/exact-options.spec.ts: an application that has the flag hands on what it may not
// have, as in `{ concurrency: config.get('CONCURRENCY') }`.
import type {
  AnyWait,
  BackoffOptions,
  CancelOptions,
  ChildOptions,
  ClientOptions,
  CreateOptions,
  CronTrigger,
  DebounceOptions,
  EmitOptions,
  EventFilter,
  EventTrigger,
  LimitOptions,
  OnCronMethodOptions,
  OnCronOptions,
  OnEventMethodOptions,
  OnEventOptions,
  RedflowClient,
  RedflowHealthIndicator,
  RedflowModuleExtras,
  RedflowModuleOptions,
  RetryPolicy,
  RunFilter,
  RunHandle,
  RunSearchQuery,
  StartWorkerOptions,
  StepApi,
  StepDecoratorOptions,
  StepEmitOptions,
  StepOptions,
  WaitForEvent,
  WatchdogOptions,
  Worker,
  WorkerOptions,
  WorkflowDecoratorOptions,
  WorkflowOptions,
  WorkflowOverrides,
} from 'nestjs-redflow';
import { type defineEvent, type defineWorkflow, RedflowModule } from 'nestjs-redflow';
import type {
  FindRedisOptions,
  RedflowTestBed,
  RedflowTestingModuleOptions,
  RedflowTestingOptions,
  RedisServer,
  RunInlineOptions,
  StartRedisOptions,
} from 'nestjs-redflow/testing';

/** The optional keys of a type that do not take undefined. */
type Refusing<T> = T extends unknown
  ? { [K in keyof T]-?: object extends Pick<T, K> ? ({ [P in K]: undefined } extends Pick<T, K> ? never : K) : never }[keyof T]
  : never;

/** Compiles without arguments if there is no such key. */
declare function takesUndefined<T>(...refusing: [Refusing<T>] extends [never] ? [] : [Refusing<T>]): void;

/** The type of an optional argument. */
type Argument<F extends (...args: never[]) => unknown, N extends number> = NonNullable<Parameters<F>[N]>;

takesUndefined<{ a: string; b?: string }>('b');

takesUndefined<RedflowModuleOptions>();
takesUndefined<RedflowModuleExtras>();
takesUndefined<WorkflowOverrides>();
takesUndefined<NonNullable<WorkflowOverrides['throttle']>>();
takesUndefined<NonNullable<WorkflowOverrides['rateLimit']>>();
takesUndefined<NonNullable<WorkflowOverrides['debounce']>>();
takesUndefined<WorkflowDecoratorOptions>();
takesUndefined<StepDecoratorOptions>();
takesUndefined<OnEventOptions<unknown>>();
takesUndefined<OnEventMethodOptions<unknown>>();
takesUndefined<OnCronOptions>();
takesUndefined<OnCronMethodOptions>();
takesUndefined<Argument<RedflowHealthIndicator['isHealthy'], 1>>();

takesUndefined<ClientOptions>();
takesUndefined<WorkerOptions>();
takesUndefined<WatchdogOptions>();
takesUndefined<StartWorkerOptions>();
takesUndefined<Argument<Worker['stop'], 0>>();
takesUndefined<WorkflowOptions>();
takesUndefined<Argument<typeof defineWorkflow, 1>>();
takesUndefined<Argument<typeof defineEvent, 1>>();
takesUndefined<LimitOptions>();
takesUndefined<DebounceOptions>();
takesUndefined<RetryPolicy>();
takesUndefined<BackoffOptions>();
takesUndefined<EventTrigger>();
takesUndefined<CronTrigger>();

takesUndefined<CreateOptions>();
takesUndefined<CancelOptions>();
takesUndefined<EmitOptions>();
takesUndefined<RunFilter>();
takesUndefined<RunSearchQuery>();
takesUndefined<EventFilter>();
takesUndefined<Argument<RunHandle['result'], 0>>();
takesUndefined<Argument<RedflowClient['cancelRuns'], 0>>();
takesUndefined<Argument<RedflowClient['cancelRuns'], 1>>();
takesUndefined<Argument<RedflowClient['runMany'], 1>[number]>();
takesUndefined<Argument<RedflowClient['cleanupExpiredRunsNow'], 0>>();
takesUndefined<Argument<RedflowClient['cleanupExpiredEventsNow'], 0>>();

takesUndefined<StepOptions<unknown>>();
takesUndefined<Exclude<NonNullable<StepOptions<unknown>['compensate']>, (...args: never[]) => unknown>>();
takesUndefined<StepEmitOptions>();
takesUndefined<ChildOptions>();
takesUndefined<Argument<StepApi['runWorkflow'], 3>>();
takesUndefined<WaitForEvent<unknown>>();
takesUndefined<AnyWait>();

takesUndefined<RunInlineOptions>();
takesUndefined<NonNullable<RunInlineOptions['run']>>();
takesUndefined<NonNullable<RunInlineOptions['event']>>();
takesUndefined<RedflowTestingOptions>();
takesUndefined<RedflowTestingModuleOptions>();
takesUndefined<Argument<RedflowTestBed['advance'], 1>>();
takesUndefined<Argument<RedflowTestBed['drain'], 0>>();
takesUndefined<StartRedisOptions>();
takesUndefined<FindRedisOptions>();
takesUndefined<Argument<RedisServer['stop'], 0>>();

declare const number: number | undefined;
declare const text: string | undefined;
declare const flag: boolean | undefined;
RedflowModule.forRoot({
  url: text,
  worker: { concurrency: number },
  workflows: { sync: { maxAttempts: number, throttle: { limit: number } } },
});
RedflowModule.forRootAsync({ useFactory: () => ({ worker: { leaseMs: number }, defaults: { queue: text }, httpErrors: flag }) });
