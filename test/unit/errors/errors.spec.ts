import { describe, expect, it } from '@jest/globals';
import * as errors from '../../../lib/engine/core/errors/index.js';

const {
  ChildWorkflowError,
  CodecError,
  ConnectionError,
  CrashLoopError,
  DuplicateStepError,
  IdempotencyConflictError,
  InputValidationError,
  InvalidOptionError,
  isNeverRetried,
  LeaseLostError,
  NestedStepError,
  NonRetriableError,
  PayloadTooLargeError,
  RateLimitedError,
  RedflowError,
  redflowErrorCode,
  redflowErrorPrototype,
  RedisPermissionError,
  ReplayMismatchError,
  ReplicationError,
  ResultTimeoutError,
  RetryAfterError,
  RetryRefusedError,
  RunBlockedError,
  RunNotBlockedError,
  RunCanceledError,
  RunFailedError,
  RunNotFoundError,
  RunTimeoutError,
  SerializationError,
  ShutdownError,
  ScheduleNotFoundError,
  StepMismatchError,
  StepTimeoutError,
  UnknownOutcomeError,
  UnknownVersionError,
  UnknownWorkflowError,
  UnsupportedRedisError,
  WaitCircleError,
  WorkflowServedError,
} = errors;

const EXAMPLES: Array<[errors.RedflowError, string, string, boolean]> = [
  [new NonRetriableError('Card declined'), 'NON_RETRIABLE', 'Card declined', true],
  [
    new RateLimitedError({ workflow: 'mail', key: 'ada', limit: 5, period: 60_000, retryAfterMs: 250 }),
    'RATE_LIMITED',
    'Workflow "mail" is over its rateLimit of 5 per 60000 ms for key "ada". Try again in 250 ms.',
    false,
  ],
  [new RetryAfterError('90s'), 'RETRY_AFTER', 'Retry after 90000 ms.', false],
  [
    new ChildWorkflowError({ runId: 'r1', step: 'receipt', childRunId: 'c1', cause: new Error('no paper') }),
    'CHILD_WORKFLOW',
    'Child run "c1" of step "receipt" of run "r1" failed: no paper',
    false,
  ],
  [
    new NestedStepError({ runId: 'r1', outer: 'charge', inner: 'cool-down' }),
    'NESTED_STEP',
    '"cool-down" was started inside step "charge" of run "r1". Call it from the handler, before or after that step.',
    true,
  ],
  [
    new DuplicateStepError({ runId: 'r1', step: 'charge' }),
    'DUPLICATE_STEP',
    'Step "charge" was used twice in run "r1". Step names are unique within a run: put the index or key into the name inside a loop.',
    true,
  ],
  [
    new WaitCircleError({ runId: 'r1', step: 'refund', otherRunId: 'r0', workflow: 'payment', through: 'mutex' }),
    'WAIT_CIRCLE',
    'Step "refund" of run "r1" would wait for ever: its child of workflow "payment" needs a mutex that is held by run "r0", which waits for that run. Give the child another key, a `timeout`, or start it with emitWorkflow, which does not wait.',
    true,
  ],
  [
    new StepMismatchError({ runId: 'r1', step: 'pause', stored: 'sleep', called: 'run' }),
    'STEP_MISMATCH',
    'Step "pause" of run "r1" was stored as "sleep" and is now called as "run". Give the new step another name: runs in flight keep the old one.',
    true,
  ],
  [
    new ReplayMismatchError({ runId: 'r1', step: 'Mail.send#2' }),
    'REPLAY_MISMATCH',
    'Step "Mail.send#2" of run "r1" was stored under other arguments than it is called with now: the handler has changed, or is not deterministic. Calls of a @Step() method are told apart by their order: give each a name made of its arguments, @Step({ name: (id) => "send:" + id }).',
    true,
  ],
  [
    new StepTimeoutError({ runId: 'r1', step: 'charge', timeoutMs: 500 }),
    'STEP_TIMEOUT',
    'Step "charge" of run "r1" did not finish within 500 ms. Raise the step\'s `timeout`, or do less in one step.',
    false,
  ],
  [
    new UnknownOutcomeError({ runId: 'r1', step: 'charge', stepIdempotencyKey: 'r1:charge' }),
    'UNKNOWN_OUTCOME',
    'Step "charge" of run "r1" was started, and its outcome is unknown. Look up what it did under its idempotency key "r1:charge", and undo it by hand if need be.',
    false,
  ],
  [
    new RunTimeoutError({ runId: 'r1', workflow: 'order', timeoutMs: 500, isHook: true }),
    'RUN_TIMEOUT',
    'An attempt of the failure hook of run "r1" of workflow "order" did not settle within 500 ms. Raise the workflow\'s `onFailureTimeout`: waits do not count.',
    false,
  ],
  [
    new RunTimeoutError({ runId: 'r1', workflow: 'order', timeoutMs: 500 }),
    'RUN_TIMEOUT',
    'Run "r1" of workflow "order" did not end within 500 ms of its first start. Raise the workflow\'s `timeout`: waits and retries count.',
    false,
  ],
  [
    new RunFailedError({ runId: 'r1', workflow: 'order', cause: new Error('boom') }),
    'RUN_FAILED',
    'Run "r1" of workflow "order" failed: boom',
    false,
  ],
  [new RunCanceledError({ runId: 'r1', reason: 'by user' }), 'RUN_CANCELED', 'Run "r1" was canceled: by user', false],
  [
    new ResultTimeoutError({ runId: 'r1', timeoutMs: 500 }),
    'RESULT_TIMEOUT',
    'Run "r1" did not end within the 500 ms this call waited; it goes on. Call result() again, with a longer timeoutMs if need be.',
    false,
  ],
  [
    new CodecError({ what: 'output of run "r1"', doing: 'store', problem: 'the `codec` failed to encode it' }),
    'CODEC',
    'Cannot store output of run "r1": the `codec` failed to encode it.',
    false,
  ],
  [
    new SerializationError({ where: 'output of run "r1"', path: 'items.0', problem: 'is a BigInt' }),
    'SERIALIZATION',
    'Cannot store output of run "r1" as JSON: `items.0` is a BigInt. Use plain JSON values, or convert it first (a BigInt to a string).',
    true,
  ],
  [
    new PayloadTooLargeError({ what: 'output of run "r1"', bytes: 11, maxBytes: 10 }),
    'PAYLOAD_TOO_LARGE',
    'Cannot store output of run "r1": it has 11 bytes as JSON, the limit is 10. Keep large data elsewhere and pass a reference to it, or raise `maxPayloadBytes`.',
    true,
  ],
  [
    new InputValidationError({ workflow: 'order', issues: [{ path: 'items.0.price', message: 'must be positive' }] }),
    'INPUT_VALIDATION',
    'Input of workflow "order" is invalid: items.0.price: must be positive',
    true,
  ],
  [
    new IdempotencyConflictError({ existingRunId: 'r1', workflow: 'order', key: 'k', problem: 'input' }),
    'IDEMPOTENCY_CONFLICT',
    'Idempotency key "k" of workflow "order" belongs to run "r1", which has a different input. Use another key, or drop `onConflict: \'error\'` to get the existing run.',
    false,
  ],
  [
    new UnknownWorkflowError({ workflow: 'odrer', suggestions: ['order', 'orders'] }),
    'UNKNOWN_WORKFLOW',
    'There is no workflow "odrer"; did you mean "order", "orders"? Define it here, start a worker that does, or pass `allowUnknown: true`.',
    false,
  ],
  [
    new WorkflowServedError({ workflow: 'order' }),
    'WORKFLOW_SERVED',
    'Workflow "order" cannot be forgotten: a living worker serves it. Stop the workers that define it first; one that crashed counts until its lease is over.',
    false,
  ],
  [
    new UnknownVersionError({ workflow: 'order', version: '3', known: ['1', '2'] }),
    'UNKNOWN_VERSION',
    'Workflow "order" has no version "3"; known are "1", "2". Start a worker that defines it first, or leave `version` out.',
    false,
  ],
  [
    new ScheduleNotFoundError({ scheduleId: 'nihgtly', suggestions: ['nightly'] }),
    'SCHEDULE_NOT_FOUND',
    'There is no schedule "nihgtly"; did you mean "nightly"? Schedules are registered by the workers that declare them; listSchedules() shows all.',
    false,
  ],
  [
    new RunNotFoundError({ runId: 'r1' }),
    'RUN_NOT_FOUND',
    'There is no run "r1". Check the id and the prefix; ended runs are deleted after their retention.',
    false,
  ],
  [
    new CrashLoopError({ runId: 'r1', workflow: 'order', recoveries: 10 }),
    'CRASH_LOOP',
    'Run "r1" of workflow "order" was recovered 10 times from workers that stopped renewing their lease, without completing a step. Look for what crashes or blocks the process; `maxRecoveries` is the limit.',
    false,
  ],
  [
    new RunBlockedError({ runId: 'r1', reason: { because: 'replay', step: 'charge-card', missing: ['charge'] } }),
    'RUN_BLOCKED',
    'Run "r1" is blocked. The code of the run has changed, or is not deterministic: it asks for the new step "charge-card", but not for step "charge", which it asked for before.',
    false,
  ],
  [
    new RunNotBlockedError({ runId: 'r1' }),
    'RUN_NOT_BLOCKED',
    'Run "r1" is not blocked by its code, so there is nothing to resume. `blockedBy` of its record says what it waits for; a run that has ended is retried with retryRun().',
    false,
  ],
  [
    new RetryRefusedError({ runId: 'r1', reason: 'not_ended' }),
    'RETRY_REFUSED',
    'Run "r1" cannot be retried: it has not ended. Wait for its end, or cancel it first.',
    false,
  ],
  [new ConnectionError('The client was closed'), 'CONNECTION', 'The client was closed', false],
  [new InvalidOptionError('timeout', 'Expected more'), 'INVALID_OPTION', 'Expected more', true],
  [
    new LeaseLostError({ runId: 'r1', workerId: 'w1' }),
    'LEASE_LOST',
    'Worker "w1" lost its lease on run "r1": another worker continues it, and nothing more from this pass is stored. Raise `leaseMs`, or look for what blocked the event loop or the connection.',
    false,
  ],
  [
    new ShutdownError({ runId: 'r1' }),
    'SHUTDOWN',
    'Run "r1" was handed back to its queue because its worker stopped. Raise `shutdownTimeoutMs` to let handlers finish, or make their steps shorter.',
    false,
  ],
  [
    new ReplicationError({ id: 'r1', confirmed: 1, expected: 2, timeoutMs: 500 }),
    'REPLICATION',
    '"r1" was written, but 1 instead of 2 replicas confirmed it within 500 ms: a failover may lose it. Repeat the call with the same runId, idempotencyKey or eventId, which writes nothing twice; and look after the replicas, or change `waitReplicas`.',
    false,
  ],
  [
    new RedisPermissionError({
      user: 'app',
      rights: ['&{p}:*', '+publish'],
      unknown: [],
      address: 'Redis at a:1 (option "url")',
    }),
    'REDIS_PERMISSION',
    'User "app" lacks rights at Redis at a:1 (option "url") that runs need. Grant them: ACL SETUSER app &{p}:* +publish',
    false,
  ],
  [
    new UnsupportedRedisError({ found: '6.0.16', required: '6.2' }),
    'UNSUPPORTED_REDIS',
    'Redis 6.0.16 is too old: 6.2 or newer is needed. Upgrade the server, or use Valkey.',
    false,
  ],
];

describe.each(EXAMPLES)('%p', (error, code, message, neverRetried) => {
  it('has its class name, code and message', () => {
    expect(error).toBeInstanceOf(RedflowError);
    expect(error.name).toBe(error.constructor.name);
    expect(error.code).toBe(code);
    expect(error.message).toBe(message);
    expect(error.stack?.split('\n')[0]).toBe(`${error.constructor.name}: ${message}`);
  });

  it('is known by its code and retried or not', () => {
    expect(redflowErrorCode(error)).toBe(code);
    expect(redflowErrorCode({ ...error, name: error.name })).toBe(code);
    expect(redflowErrorPrototype(redflowErrorCode(error) ?? 'CONNECTION')).toBe(Object.getPrototypeOf(error));
    expect(isNeverRetried(error)).toBe(neverRetried);
  });
});

it('covers every class in these examples', () => {
  const classes = Object.values(errors).filter((value) => typeof value === 'function' && value.prototype instanceof RedflowError);
  expect(new Set(EXAMPLES.map(([error]) => error.constructor))).toEqual(new Set(classes));
});

describe('messages that depend on what is known', () => {
  it('leaves out what was not given', () => {
    expect(new RunCanceledError({ runId: 'r1' }).message).toBe('Run "r1" was canceled.');
    expect(new UnknownWorkflowError({ workflow: 'x', suggestions: [] }).message).toBe(
      'There is no workflow "x". Define it here, start a worker that does, or pass `allowUnknown: true`.',
    );
    expect(new UnknownWorkflowError({ workflow: 'Payments', suggestions: [], isClass: true }).message).toBe(
      'There is no workflow of class "Payments". Put @Workflow() on it. Only the client of RedflowModule knows classes; others take a ' +
        'definition or a name.',
    );
    expect(new UnknownVersionError({ workflow: 'order', version: '1', known: [] }).message).toBe(
      'Workflow "order" has no version "1"; it has no versions at all. Start a worker that defines it first, or leave `version` out.',
    );
    expect(new ScheduleNotFoundError({ scheduleId: 'x', suggestions: [] }).message).toBe(
      'There is no schedule "x". Schedules are registered by the workers that declare them; listSchedules() shows all.',
    );
    expect(new RunFailedError({ runId: 'r1', workflow: 'order', cause: undefined }).message).toBe(
      'Run "r1" of workflow "order" failed: undefined',
    );
  });

  it('tells a taken run id from a taken key', () => {
    expect(new IdempotencyConflictError({ existingRunId: 'r1', workflow: 'order', runId: 'r1', problem: 'input' }).message).toBe(
      'Run "r1" of workflow "order" exists with a different input. Use another run id, or drop `onConflict: \'error\'` to get the existing run.',
    );
    expect(
      new IdempotencyConflictError({ existingRunId: 'r1', workflow: 'order', runId: 'r1', problem: 'workflow' }).message,
    ).toBe('Run "r1" exists and is not of workflow "order". Run ids are unique over all workflows: use another one.');
  });

  it('shows three issues of an input and counts the others', () => {
    const issues = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, message: 'is missing' }));
    expect(new InputValidationError({ workflow: 'order', issues }).message).toBe(
      'Input of workflow "order" is invalid: a: is missing; b: is missing; c: is missing (and 2 more)',
    );
    expect(new InputValidationError({ workflow: 'order', issues: [{ path: '', message: 'must be an object' }] }).message).toBe(
      'Input of workflow "order" is invalid: must be an object',
    );
  });
});

describe('fields', () => {
  it('carries the ids it was made of', () => {
    expect({ ...new StepTimeoutError({ runId: 'r1', step: 's', timeoutMs: 5 }) }).toEqual({
      code: 'STEP_TIMEOUT',
      runId: 'r1',
      step: 's',
      timeoutMs: 5,
    });
    expect(new NonRetriableError('x', { cause: 'y' }).cause).toBe('y');
    expect(new RetryAfterError('2m', 'later', { cause: 'y' })).toMatchObject({
      retryAfterMs: 120_000,
      message: 'later',
      cause: 'y',
    });
    expect(new RetryAfterError(-5).retryAfterMs).toBe(0);
  });

  it('refuses a delay that cannot be read', () => {
    expect(() => new RetryAfterError(Number.NaN)).toThrow(InvalidOptionError);
  });
});

describe('isNeverRetried()', () => {
  it('knows subclasses of NonRetriableError, live and by code alone', () => {
    class CardDeclined extends NonRetriableError {}
    const error = new CardDeclined('declined');
    expect(error.name).toBe('CardDeclined');
    expect(isNeverRetried(error)).toBe(true);
    expect(isNeverRetried({ name: 'CardDeclined', message: 'declined', code: 'NON_RETRIABLE' })).toBe(true);
  });

  it("does not mistake another library's code for ours", () => {
    expect(isNeverRetried(Object.assign(new Error('413'), { name: 'HttpError', code: 'PAYLOAD_TOO_LARGE' }))).toBe(false);
    expect(redflowErrorCode({ name: 'Error', code: 'toString' })).toBeUndefined();
  });

  it.each([undefined, null, 'NON_RETRIABLE', 42, new Error('x')])('is false for %p', (thrown) => {
    expect(isNeverRetried(thrown)).toBe(false);
  });

  it('is false for an error whose code cannot be read', () => {
    const hostile = Object.defineProperty(new Error('x'), 'code', {
      get() {
        throw new Error('no');
      },
    });
    expect(isNeverRetried(hostile)).toBe(false);
  });
});
