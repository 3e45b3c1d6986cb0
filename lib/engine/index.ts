export { createClient } from './client/create-client.js';
export { getDefaultClient, setDefaultClient } from './client/default-client.js';
export { defineWorkflow } from './client/define-workflow.js';
export { RedflowClient } from './client/redflow-client.js';
export type { DebounceOptions, KeyFunction, LimitOptions } from './core/api/admission.types.js';
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
} from './core/api/client.types.js';
export type { Compensation, CompensationContext, CompensationOptions } from './core/api/compensation.types.js';
export type { EventDefinition, EventRef, ReceivedEvent } from './core/api/event.types.js';
export type { ExportedRun, ExportedStep } from './core/api/exported-run.types.js';
export type {
  CreateCall,
  EmitCall,
  OperationCall,
  PassCall,
  PassOutcome,
  RunHeaders,
  RunInterceptor,
  StepCall,
} from './core/api/interceptor.types.js';
export type { RetryMeta, ScheduleRecord, WorkflowMeta } from './core/api/registry.types.js';
export type { BackoffOptions, RetryFailure, RetryPolicy } from './core/api/retry.types.js';
export type {
  AttemptRecord,
  BlockedRun,
  RunInfo,
  RunRecord,
  RunStatus,
  RunTrigger,
  StepKind,
  StepRecord,
  StoredError,
} from './core/api/run.types.js';
export type { CronTrigger, EventTrigger } from './core/api/trigger.types.js';
export type {
  ContextCarrier,
  Duration,
  ErrorClass,
  Json,
  LoggerPort,
  PayloadCodec,
  StandardIssue,
  StandardResult,
  StandardSchemaV1,
  Stored,
  When,
} from './core/api/values.types.js';
export type { StartWorkerOptions, WatchdogOptions, Worker, WorkerOptions } from './core/api/worker.types.js';
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
} from './core/api/workflow.types.js';
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
export { currentRun, currentStep } from './core/run-scope.js';
export { defineEvent } from './core/workflows/event-names.js';
export { createRegistry } from './core/workflows/registry.js';
export { startWorker } from './worker/start-worker.js';
