import { describe, expect, it } from '@jest/globals';
import type { RetryPolicy } from '../../../lib/engine/core/api/retry.types.js';
import type { RunRecord } from '../../../lib/engine/core/api/run.types.js';
import {
  DuplicateStepError,
  InvalidOptionError,
  NonRetriableError,
  RetryAfterError,
} from '../../../lib/engine/core/errors/index.js';
import { fromStoredError, toStoredError } from '../../../lib/engine/core/payload/stored-error.js';
import { resolveRetryPolicy } from '../../../lib/engine/core/workflows/retry-policy.js';

const WHERE = 'workflow "order"';
const run: RunRecord = {
  id: 'r1',
  workflow: 'order',
  queue: 'default',
  status: 'running',
  input: null,
  attempt: 1,
  maxAttempts: 3,
  recoveries: 0,
  priority: 0,
  tags: {},
  trigger: 'api',
  createdAt: 0,
  availableAt: 0,
  rootRunId: 'r1',
};
const failure = (error: Error = new Error('boom')) => ({ run, error });
const resolve = (retries?: RetryPolicy) => resolveRetryPolicy({ retries }, 3, WHERE);

/** Delays after the first failures, with the highest draw of the jitter. */
function delays(retries: RetryPolicy | undefined, count: number, draw = 1): number[] {
  const policy = resolve(retries);
  return Array.from({ length: count }, (_, index) => {
    const decision = policy.decide(failure(), index + 1, () => draw);
    if (!decision.retry) throw new Error('refused');
    return decision.delayMs;
  });
}

describe('resolveRetryPolicy()', () => {
  it('lets retries.maxAttempts win over maxAttempts, and both over the default', () => {
    expect(resolveRetryPolicy({}, 3, WHERE)).toMatchObject({ maxAttempts: 3, explicitMaxAttempts: false });
    expect(resolveRetryPolicy({ maxAttempts: 5 }, 3, WHERE)).toMatchObject({ maxAttempts: 5, explicitMaxAttempts: true });
    expect(resolveRetryPolicy({ maxAttempts: 5, retries: { maxAttempts: 1 } }, 3, WHERE)).toMatchObject({
      maxAttempts: 1,
      explicitMaxAttempts: true,
    });
    expect(Object.isFrozen(resolve())).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ['maxAttempts', { maxAttempts: 0 }, 'Expected `retries.maxAttempts` to be an integer of at least 1; got 0'],
    [
      'unknown options',
      { backoff: 1 },
      "Unsupported option 'backoff' of `retries`. Supported options are: maxAttempts, delay, shouldRetry",
    ],
    ['shouldRetry', { shouldRetry: true }, 'Expected `retries.shouldRetry` to be a function; got true'],
    [
      'delay',
      { delay: 'soon' },
      "Expected `retries.delay` to be milliseconds or a duration such as '30s', '5m', '2h', '7d'; got 'soon'",
    ],
    ['negative delay', { delay: -1 }, 'Expected `retries.delay` to be at least 0 ms; got -1'],
    ['type', { delay: { delay: '1s' } }, "Expected `retries.delay.type` to be 'fixed' or 'exponential'; got undefined"],
    [
      'delay.delay',
      { delay: { type: 'fixed' } },
      "Expected `retries.delay.delay` to be milliseconds or a duration such as '30s', '5m', '2h', '7d'; got undefined",
    ],
    [
      'unknown backoff options',
      { delay: { type: 'fixed', delay: 1, jiter: 1 } },
      "Unsupported option 'jiter' of `retries.delay`. Did you mean 'jitter'? Supported options are: type, delay, factor, maxDelay, jitter",
    ],
    [
      'factor',
      { delay: { type: 'exponential', delay: 1, factor: 0.5 } },
      'Expected `retries.delay.factor` to be a number of at least 1; got 0.5',
    ],
    [
      'jitter',
      { delay: { type: 'fixed', delay: 1, jitter: 2 } },
      'Expected `retries.delay.jitter` to be a number from 0 to 1; got 2',
    ],
    [
      'maxDelay',
      { delay: { type: 'exponential', delay: '1m', maxDelay: '30s' } },
      "Expected `retries.delay.maxDelay` to be at least the delay, '1m'; got '30s'",
    ],
  ])('refuses a wrong %s', (_what, retries, message) => {
    expect(() => resolve(retries as RetryPolicy)).toThrow(new InvalidOptionError('', `${message} (${WHERE})`));
  });

  it('refuses a wrong maxAttempts beside retries', () => {
    expect(() => resolveRetryPolicy({ maxAttempts: 1.5, retries: { maxAttempts: 2 } }, 3, WHERE)).toThrow(
      `Expected \`maxAttempts\` to be an integer of at least 1; got 1.5 (${WHERE})`,
    );
  });
});

describe('decide()', () => {
  it('backs off exponentially from 1 s to 5 min with half jitter by default', () => {
    expect(delays(undefined, 10)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
    expect(delays(undefined, 10, 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000]);
  });

  it('stays at its maximum however many failures there were', () => {
    expect(resolve().decide(failure(), 100_000, () => 1)).toEqual({ retry: true, delayMs: 300_000 });
  });

  it('follows the options of a backoff', () => {
    expect(delays({ delay: { type: 'exponential', delay: 100, factor: 3, maxDelay: '1s', jitter: 0 } }, 4)).toEqual([
      100, 300, 900, 1_000,
    ]);
    expect(delays({ delay: { type: 'exponential', delay: 100, jitter: 1 } }, 2, 0)).toEqual([0, 0]);
    expect(delays({ delay: { type: 'exponential', delay: '10m', jitter: 0 } }, 2)).toEqual([600_000, 600_000]);
  });

  it('stays a number whatever the failures and the factor come to', () => {
    const delayOf = (failures: number, delay: RetryPolicy['delay']) => resolve({ delay }).decide(failure(), failures, () => 1);
    for (const jitter of [0, 1]) {
      expect(delayOf(1_026, { type: 'exponential', delay: 0, jitter })).toEqual({ retry: true, delayMs: 0 });
      const steep = { type: 'exponential', delay: 1, factor: 1e200, maxDelay: '1m', jitter } as const;
      expect([1, 2, 3, 1_026].map((failures) => delayOf(failures, steep))).toMatchObject(
        [1, 60_000, 60_000, 60_000].map((delayMs) => ({ delayMs })),
      );
    }
  });

  it('keeps a fixed delay fixed unless jitter is asked for', () => {
    expect(delays({ delay: '2s' }, 3, 0)).toEqual([2_000, 2_000, 2_000]);
    expect(delays({ delay: { type: 'fixed', delay: '2s' } }, 3, 0)).toEqual([2_000, 2_000, 2_000]);
    expect(delays({ delay: { type: 'fixed', delay: '10m' } }, 1)).toEqual([600_000]);
    expect(delays({ delay: { type: 'fixed', delay: '2s', jitter: 0.25 } }, 1, 0)).toEqual([1_500]);
    expect(delays({ delay: 0 }, 2)).toEqual([0, 0]);
  });

  it('asks a delay function, with the run and the error', () => {
    const policy = resolve({ delay: ({ run: { id }, error }) => (id === 'r1' && error.message === 'boom' ? '7s' : 0) });
    expect(policy.decide(failure(), 1)).toEqual({ retry: true, delayMs: 7_000 });
  });

  it('never retries what would fail again, without asking anybody', () => {
    const policy = resolve({
      shouldRetry: () => {
        throw new Error('asked');
      },
    });
    expect(policy.decide(failure(new NonRetriableError('no')), 1)).toEqual({ retry: false });
    expect(policy.decide(failure(fromStoredError(toStoredError(new DuplicateStepError({ runId: 'r1', step: 's' })))), 1)).toEqual(
      {
        retry: false,
      },
    );
  });

  it('asks shouldRetry', () => {
    const policy = resolve({ shouldRetry: ({ error }) => error.message !== 'boom' });
    expect(policy.decide(failure(), 1)).toEqual({ retry: false });
    expect(policy.decide(failure(new Error('other')), 1)).toMatchObject({ retry: true });
    expect(policy.decide(failure(new RetryAfterError(5, 'boom')), 1)).toEqual({ retry: false });
  });

  it('takes the delay of a RetryAfterError, live or rebuilt, but not of a cause', () => {
    const error = new RetryAfterError('90s');
    const policy = resolve({ delay: 5 });
    expect(policy.decide(failure(error), 1)).toEqual({ retry: true, delayMs: 90_000 });
    expect(policy.decide(failure(fromStoredError(toStoredError(error))), 1)).toEqual({ retry: true, delayMs: 90_000 });
    expect(policy.decide(failure(new Error('outer', { cause: error })), 1)).toEqual({ retry: true, delayMs: 5 });
  });

  it("passes on what the user's functions throw", () => {
    const error = new TypeError('policy is broken');
    const broken = () => {
      throw error;
    };
    expect(() => resolve({ delay: broken }).decide(failure(), 1)).toThrow(error);
    expect(() => resolve({ shouldRetry: broken }).decide(failure(), 1)).toThrow(error);
  });

  it("refuses what the user's functions should not return", () => {
    expect(() => resolve({ delay: () => Number.NaN }).decide(failure(), 1)).toThrow(
      `Expected \`retries.delay()\` to be milliseconds or a duration such as '30s', '5m', '2h', '7d'; got NaN (${WHERE})`,
    );
    const shouldRetry = (async () => false) as unknown as () => boolean;
    expect(() => resolve({ shouldRetry }).decide(failure(), 1)).toThrow(
      `Expected \`retries.shouldRetry()\` to return true or false; got a promise (${WHERE})`,
    );
  });
});
