export { createClient } from './client/create-client.js';
export { getDefaultClient, setDefaultClient } from './client/default-client.js';
export { defineWorkflow } from './client/define-workflow.js';
export { RedflowClient } from './client/redflow-client.js';
export type { DebounceOptions, KeyFunction, LimitOptions } from './core/admission.types.js';
export type { ErrorClass } from './core/class-names.js';
export type {
  CancelOptions,
  CancelResult,
  ClientOptions,
  CreateOptions,
  EmitOptions,
  EmittedEvent,
  EventFilter,
  EventRecord,
  EventSubscription,
  Page,
  ResumeOptions,
  RetryRunOptions,
  RunFilter,
  RunHandle,
  RunSearchQuery,
  Stats,
  WorkflowVersions,
} from './core/client.types.js';
export type { Compensation, CompensationContext, CompensationOptions } from './core/compensation.types.js';
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
} from './core/errors/index.js';
export type { EventDefinition, EventRef, ReceivedEvent } from './core/event.types.js';
export { defineEvent } from './core/event-names.js';
export type { ExportedRun, ExportedStep } from './core/exported-run.types.js';
export type {
  CreateCall,
  EmitCall,
  InterceptedRun,
  OperationCall,
  PassCall,
  PassOutcome,
  RunHeaders,
  RunInterceptor,
  StepCall,
} from './core/interceptor.types.js';
export { createRegistry } from './core/registry.js';
export type { RetryMeta, ScheduleRecord, WorkflowMeta } from './core/registry.types.js';
export type { BackoffOptions, RetryFailure, RetryPolicy } from './core/retry.types.js';
export type {
  AttemptRecord,
  BlockedRun,
  RunRecord,
  RunStatus,
  RunTrigger,
  StepKind,
  StepRecord,
  StoredError,
} from './core/run.types.js';
export { currentRun, currentStep } from './core/run-scope.js';
export type { CronTrigger, EventTrigger } from './core/trigger.types.js';
export type {
  ContextCarrier,
  Duration,
  Json,
  LoggerPort,
  PayloadCodec,
  StandardIssue,
  StandardResult,
  StandardSchemaV1,
  Stored,
  When,
} from './core/values.types.js';
export type { StartWorkerOptions, WatchdogOptions, Worker, WorkerOptions } from './core/worker.types.js';
export type {
  AnyOutcome,
  AnyValue,
  AnyWait,
  ChildOptions,
  FailureContext,
  FailureHook,
  Handler,
  InputSchema,
  StepApi,
  StepContext,
  StepEmitOptions,
  StepOptions,
  WaitForEvent,
  WorkflowClass,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowOptions,
  WorkflowRef,
  WorkflowRegistry,
} from './core/workflow.types.js';
export { startWorker } from './worker/start-worker.js';
