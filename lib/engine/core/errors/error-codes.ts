import { ConnectionError, RedisPermissionError, ReplicationError, UnsupportedRedisError } from './connection.errors.js';
import {
  IdempotencyConflictError,
  RateLimitedError,
  UnknownVersionError,
  UnknownWorkflowError,
  WorkflowServedError,
} from './create.errors.js';
import { InvalidOptionError } from './option.errors.js';
import { CodecError, InputValidationError, PayloadTooLargeError, SerializationError } from './payload.errors.js';
import { RedflowError } from './redflow.error.js';
import { NonRetriableError, RetryAfterError } from './retry.errors.js';
import {
  CrashLoopError,
  ResultTimeoutError,
  RetryRefusedError,
  RunBlockedError,
  RunCanceledError,
  RunFailedError,
  RunNotBlockedError,
  RunNotFoundError,
  RunTimeoutError,
} from './run.errors.js';
import { ScheduleNotFoundError } from './schedule.errors.js';
import {
  ChildWorkflowError,
  DuplicateStepError,
  NestedStepError,
  ReplayMismatchError,
  StepMismatchError,
  StepTimeoutError,
  UnknownOutcomeError,
  WaitCircleError,
} from './step.errors.js';
import { LeaseLostError, ShutdownError } from './worker.errors.js';

/** Every error class of this library by its code, so that stored errors can be rebuilt. */
export const ERROR_CLASSES = {
  CHILD_WORKFLOW: ChildWorkflowError,
  CODEC: CodecError,
  CONNECTION: ConnectionError,
  CRASH_LOOP: CrashLoopError,
  DUPLICATE_STEP: DuplicateStepError,
  IDEMPOTENCY_CONFLICT: IdempotencyConflictError,
  INPUT_VALIDATION: InputValidationError,
  INVALID_OPTION: InvalidOptionError,
  LEASE_LOST: LeaseLostError,
  NESTED_STEP: NestedStepError,
  NON_RETRIABLE: NonRetriableError,
  PAYLOAD_TOO_LARGE: PayloadTooLargeError,
  RATE_LIMITED: RateLimitedError,
  REDIS_PERMISSION: RedisPermissionError,
  REPLAY_MISMATCH: ReplayMismatchError,
  REPLICATION: ReplicationError,
  RESULT_TIMEOUT: ResultTimeoutError,
  RETRY_AFTER: RetryAfterError,
  RETRY_REFUSED: RetryRefusedError,
  RUN_BLOCKED: RunBlockedError,
  RUN_CANCELED: RunCanceledError,
  RUN_FAILED: RunFailedError,
  RUN_NOT_BLOCKED: RunNotBlockedError,
  RUN_NOT_FOUND: RunNotFoundError,
  RUN_TIMEOUT: RunTimeoutError,
  SCHEDULE_NOT_FOUND: ScheduleNotFoundError,
  SERIALIZATION: SerializationError,
  SHUTDOWN: ShutdownError,
  STEP_MISMATCH: StepMismatchError,
  STEP_TIMEOUT: StepTimeoutError,
  UNKNOWN_OUTCOME: UnknownOutcomeError,
  UNKNOWN_WORKFLOW: UnknownWorkflowError,
  WORKFLOW_SERVED: WorkflowServedError,
  UNKNOWN_VERSION: UnknownVersionError,
  UNSUPPORTED_REDIS: UnsupportedRedisError,
  WAIT_CIRCLE: WaitCircleError,
} as const;

/** A code of this library's errors. */
export type RedflowErrorCode = keyof typeof ERROR_CLASSES;

const CLASSES_BY_NAME = new Map([RedflowError, ...Object.values(ERROR_CLASSES)].map((type) => [type.name, type] as const));

const NEVER_RETRIED: ReadonlySet<RedflowErrorCode> = new Set<RedflowErrorCode>([
  'NON_RETRIABLE',
  'STEP_MISMATCH',
  'REPLAY_MISMATCH',
  'PAYLOAD_TOO_LARGE',
  'SERIALIZATION',
  'DUPLICATE_STEP',
  'NESTED_STEP',
  'INPUT_VALIDATION',
  // A wrong option of a step is wrong on every attempt.
  'INVALID_OPTION',
  // Nor does a run stop waiting for itself.
  'WAIT_CIRCLE',
]);

/**
 * The code of an error of ours, live, stored, rebuilt or from another realm; undefined for anybody else's error.
 *
 * A code alone is not proof: an HTTP client's error may well have the code `PAYLOAD_TOO_LARGE`. So the name has to match
 * too, but for the two classes that are made to be extended.
 */
export function redflowErrorCode(error: unknown): RedflowErrorCode | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    const { code, name } = error as { code?: unknown; name?: unknown };
    if (typeof code !== 'string' || !isRedflowCode(code)) return undefined;
    const extendable = code === 'NON_RETRIABLE' || code === 'RETRY_AFTER';
    return extendable || error instanceof RedflowError || name === ERROR_CLASSES[code].name ? code : undefined;
  } catch {
    return undefined; // a getter of a foreign error threw
  }
}

/** True for the kinds of error that would fail again: neither a step nor a run is retried after them. */
export function isNeverRetried(error: unknown): boolean {
  const code = redflowErrorCode(error);
  return code !== undefined && NEVER_RETRIED.has(code);
}

/** Whether a schema has refused an input, rather than broken down over it. */
export function isInputRefusal(error: unknown): boolean {
  return redflowErrorCode(error) === 'INPUT_VALIDATION';
}

/** The prototype to give to a rebuilt error of ours, so that `instanceof` works for it. */
export function redflowErrorPrototype(code: RedflowErrorCode): RedflowError {
  return ERROR_CLASSES[code].prototype;
}

/** The class of ours of this name. */
export function redflowErrorClass(name: string): typeof RedflowError | (typeof ERROR_CLASSES)[RedflowErrorCode] | undefined {
  return CLASSES_BY_NAME.get(name);
}

function isRedflowCode(code: string): code is RedflowErrorCode {
  return Object.hasOwn(ERROR_CLASSES, code);
}
