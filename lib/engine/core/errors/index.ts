export { ConnectionError, RedisPermissionError, ReplicationError, UnsupportedRedisError } from './connection.errors.js';
export {
  IdempotencyConflictError,
  RateLimitedError,
  UnknownVersionError,
  UnknownWorkflowError,
  WorkflowServedError,
} from './create.errors.js';
export { isNeverRetried, type RedflowErrorCode, redflowErrorCode, redflowErrorPrototype } from './error-codes.js';
export { InvalidOptionError } from './option.errors.js';
export { CodecError, type InputIssue, InputValidationError, PayloadTooLargeError, SerializationError } from './payload.errors.js';
export { RedflowError, type RedflowErrorOptions } from './redflow.error.js';
export { NonRetriableError, RetryAfterError } from './retry.errors.js';
export {
  CrashLoopError,
  ResultTimeoutError,
  type RetryRefusal,
  RetryRefusedError,
  RunBlockedError,
  RunCanceledError,
  RunFailedError,
  RunNotBlockedError,
  RunNotFoundError,
  RunTimeoutError,
} from './run.errors.js';
export { ScheduleNotFoundError } from './schedule.errors.js';
export {
  ChildWorkflowError,
  DuplicateStepError,
  NestedStepError,
  ReplayMismatchError,
  StepMismatchError,
  StepTimeoutError,
  UnknownOutcomeError,
  WaitCircleError,
} from './step.errors.js';
export { LeaseLostError, ShutdownError } from './worker.errors.js';
