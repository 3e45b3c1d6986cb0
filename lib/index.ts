/**
 * What an application imports. All but the part for Nest is exported by `nestjs-redflow/engine` as well.
 *
 * @module nestjs-redflow
 */

// Nest

export { getRedflowClientToken, InjectRedflow } from './decorators/inject-redflow.decorator.js';
export { OnCron } from './decorators/on-cron.decorator.js';
export { OnEvent } from './decorators/on-event.decorator.js';
export { type FailureMethodDecorator, OnFailure } from './decorators/on-failure.decorator.js';
export { Step, type StepMethodDecorator } from './decorators/step.decorator.js';
export type { MethodTriggerDecorator, TriggerDecorator } from './decorators/trigger-decorator.js';
export { Workflow, type WorkflowClassDecorator } from './decorators/workflow.decorator.js';
export { isRedflowContext } from './enhancers/redflow-execution-context.js';
export { type RedflowHealth, RedflowHealthIndicator } from './health/redflow-health.indicator.js';
export { RedflowErrorsInterceptor } from './http/redflow-errors.interceptor.js';
export type { ConnectionHealth } from './lifecycle/redflow.orchestrator.js';
export type {
  OnCronMethodOptions,
  OnCronOptions,
  OnEventMethodOptions,
  OnEventOptions,
} from './metadata/trigger-decorator-options.interface.js';
export type {
  StepDecoratorOptions,
  StepNameFactory,
  WorkflowDecoratorOptions,
} from './metadata/workflow-decorator-options.interface.js';
export { RedflowSetupError } from './redflow.errors.js';
export { RedflowModule } from './redflow.module.js';
export type {
  RedflowConnectionOptions,
  RedflowModuleAsyncOptions,
  RedflowModuleExtras,
  RedflowModuleOptions,
  RedflowOptionsFactory,
  WorkflowOverrides,
} from './redflow-module-options.interface.js';

// Engine: definitions, client and worker

export {
  createClient,
  createRegistry,
  currentRun,
  currentStep,
  defineEvent,
  defineWorkflow,
  getDefaultClient,
  RedflowClient,
  setDefaultClient,
  startWorker,
} from './engine/index.js';

// Engine: errors

export {
  ChildWorkflowError,
  CodecError,
  ConnectionError,
  CrashLoopError,
  DuplicateStepError,
  IdempotencyConflictError,
  InputValidationError,
  InvalidOptionError,
  LeaseLostError,
  NestedStepError,
  NonRetriableError,
  PayloadTooLargeError,
  RateLimitedError,
  RedflowError,
  RedisPermissionError,
  ReplayMismatchError,
  ReplicationError,
  ResultTimeoutError,
  RetryAfterError,
  RetryRefusedError,
  RunBlockedError,
  RunCanceledError,
  RunFailedError,
  RunNotBlockedError,
  RunNotFoundError,
  RunTimeoutError,
  ScheduleNotFoundError,
  SerializationError,
  ShutdownError,
  StepMismatchError,
  StepTimeoutError,
  UnknownOutcomeError,
  UnknownVersionError,
  UnknownWorkflowError,
  UnsupportedRedisError,
  WaitCircleError,
  WorkflowServedError,
} from './engine/index.js';

// Engine: values, handlers and options

export type {
  AnyOutcome,
  AnyValue,
  AnyWait,
  BackoffOptions,
  ChildOptions,
  Compensation,
  CompensationContext,
  CompensationOptions,
  ContextCarrier,
  CreateCall,
  CronTrigger,
  DebounceOptions,
  Duration,
  EmitCall,
  ErrorClass,
  EventDefinition,
  EventRef,
  EventTrigger,
  FailureContext,
  FailureHook,
  Handler,
  InputSchema,
  Json,
  KeyFunction,
  LimitOptions,
  LoggerPort,
  OperationCall,
  PassCall,
  PassOutcome,
  PayloadCodec,
  ReceivedEvent,
  RetryFailure,
  RetryPolicy,
  RunHeaders,
  RunInfo,
  RunInterceptor,
  StandardIssue,
  StandardResult,
  StandardSchemaV1,
  StepApi,
  StepCall,
  StepContext,
  StepEmitOptions,
  StepOptions,
  Stored,
  WaitForEvent,
  When,
  WorkflowContext,
  WorkflowOptions,
} from './engine/index.js';

// Engine: records, client and worker types

export type {
  AttemptRecord,
  BlockedRun,
  CancelOptions,
  CancelResult,
  ClientOptions,
  CreateOptions,
  EmitOptions,
  EmittedEvent,
  EventFilter,
  EventRecord,
  EventSubscription,
  ExportedRun,
  ExportedStep,
  Page,
  ResumeOptions,
  RetryMeta,
  RetryRunOptions,
  RunFilter,
  RunHandle,
  RunRecord,
  RunSearchQuery,
  RunStatus,
  RunTrigger,
  ScheduleRecord,
  StartWorkerOptions,
  Stats,
  StepKind,
  StepRecord,
  StoredError,
  WatchdogOptions,
  Worker,
  WorkerOptions,
  WorkflowClass,
  WorkflowDefinition,
  WorkflowMeta,
  WorkflowRef,
  WorkflowRegistry,
  WorkflowVersions,
} from './engine/index.js';
