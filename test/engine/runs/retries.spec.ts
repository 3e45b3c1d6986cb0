import { describe, expect, it } from '@jest/globals';
import {
  NonRetriableError,
  RetryAfterError,
  type RetryFailure,
  type RetryPolicy,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type Engine, once, rejection, startEngine, workflow } from '../../support/engine.js';

const HOUR_MS = 3_600_000;

/** The delays a run is parked for between its attempts, in virtual time, until it has ended. */
async function delaysOf(options: WorkflowOptions, fail: (attempt: number) => unknown): Promise<number[]> {
  const failing = workflow('failing', (ctx: WorkflowContext) => Promise.reject(fail(ctx.run.attempt)), options);
  const engine = await startEngine({ workflows: [failing] });
  const handle = await engine.client.run(failing, undefined);
  const delays: number[] = [];
  for (let attempt = 2; ; attempt++) {
    const run = await once(async () => {
      const state = await handle.getState();
      return (state.status === 'failed' || (state.status === 'waiting' && state.attempt === attempt)) && state;
    }, `attempt ${attempt} is due, or the run has failed`);
    if (run.status === 'failed') return delays;
    const failedAt = (await engine.client.getRunAttempts(handle.id)).at(-1)?.finishedAt ?? Number.NaN;
    delays.push(run.availableAt - failedAt);
    await engine.advance(run.availableAt - failedAt);
  }
}

const boom = () => new Error('boom');

describe('maxAttempts', () => {
  async function attemptsOf(options: WorkflowOptions, ofCall?: number): Promise<[seen: number[], recorded: number]> {
    const seen: number[] = [];
    const handler = (ctx: WorkflowContext) => {
      seen.push(ctx.run.attempt);
      throw new Error('boom');
    };
    const delay = options.retries?.delay ?? 0;
    const failing = workflow('failing', handler, { ...options, retries: { ...options.retries, delay } });
    const engine = await startEngine({ workflows: [failing] });
    const handle = await engine.client.run(failing, undefined, { maxAttempts: ofCall });
    await rejection(handle.result());
    const { attempt, maxAttempts } = await handle.getState();
    expect(attempt).toBe(seen.length);
    return [seen, maxAttempts];
  }

  it('is 3 by default, the first included', async () => {
    expect(await attemptsOf({})).toEqual([[1, 2, 3], 3]);
  });

  it('may be 1', async () => {
    expect(await attemptsOf({ maxAttempts: 1 })).toEqual([[1], 1]);
  });

  it('is overruled by retries.maxAttempts', async () => {
    expect(await attemptsOf({ maxAttempts: 5, retries: { maxAttempts: 2 } })).toEqual([[1, 2], 2]);
  });

  it('can be set by the call', async () => {
    expect(await attemptsOf({ maxAttempts: 2 }, 4)).toEqual([[1, 2, 3, 4], 4]);
  });

  it('is shown to the handler', async () => {
    const show = workflow('show', (ctx: WorkflowContext) => ctx.run.maxAttempts, { maxAttempts: 7 });
    const engine = await startEngine({ workflows: [show] });
    expect(await (await engine.client.run(show, undefined)).result()).toBe(7);
  });

  it('ends with the error of the last attempt', async () => {
    const handler = (ctx: WorkflowContext) => Promise.reject(new Error(`attempt ${ctx.run.attempt}`));
    const failing = workflow('failing', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [failing] });
    const handle = await engine.client.run(failing, undefined);
    expect((await engine.failure(handle)).message).toBe('attempt 3');
    const attempts = await engine.client.getRunAttempts(handle.id);
    expect(attempts.map(({ attempt, outcome, error }) => [attempt, outcome, error?.message])).toEqual([
      [1, 'failed', 'attempt 1'],
      [2, 'failed', 'attempt 2'],
      [3, 'failed', 'attempt 3'],
    ]);
  });
});

describe('retries.delay', () => {
  it('may be a duration', async () => {
    expect(await delaysOf({ retries: { delay: '1h' } }, boom)).toEqual([HOUR_MS, HOUR_MS]);
  });

  it('may be fixed', async () => {
    const delay = { type: 'fixed', delay: '2h' } as const;
    expect(await delaysOf({ maxAttempts: 4, retries: { delay } }, boom)).toEqual([2 * HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS]);
  });

  it('may grow, up to a maximum', async () => {
    const delay = { type: 'exponential', delay: '1h', factor: 3, maxDelay: '10h', jitter: 0 } as const;
    expect(await delaysOf({ maxAttempts: 5, retries: { delay } }, boom)).toEqual([1, 3, 9, 10].map((hours) => hours * HOUR_MS));
  });

  it('may be a function of the failure', async () => {
    const failures: RetryFailure[] = [];
    const delay: RetryPolicy['delay'] = (failure) => {
      failures.push(failure);
      return `${failure.run.attempt}h`;
    };
    const delays = await delaysOf({ maxAttempts: 3, tags: { a: 'b' }, retries: { delay } }, boom);
    expect(delays).toEqual([HOUR_MS, 2 * HOUR_MS]);
    expect(failures[1].error).toBeInstanceOf(Error);
    expect(failures[1].error.message).toBe('boom');
    expect(failures[1].run).toMatchObject({
      workflow: 'failing',
      status: 'running',
      attempt: 2,
      maxAttempts: 3,
      tags: { a: 'b' },
    });
  });

  it('is from 0.5 to 1 s doubled at each failure by default', async () => {
    const delays = await delaysOf({ maxAttempts: 5 }, boom);
    expect(delays).toHaveLength(4);
    for (const [i, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(500 * 2 ** i);
      expect(delay).toBeLessThanOrEqual(1_000 * 2 ** i);
    }
  });

  it('is overruled by RetryAfterError, within the budget', async () => {
    const fail = (attempt: number) => new RetryAfterError(`${attempt}h`, 'busy');
    expect(await delaysOf({ retries: { delay: 0 } }, fail)).toEqual([HOUR_MS, 2 * HOUR_MS]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('bad policy');
      },
      'TypeError',
    ],
    ['returns nonsense', () => 'soon', 'InvalidOptionError'],
    ['returns a negative delay', () => -1, 'InvalidOptionError'],
  ])('that %s fails the run with that error', async (_how, delay, name) => {
    const failing = workflow('failing', () => Promise.reject(new Error('boom')), { retries: { delay } });
    const engine = await startEngine({ workflows: [failing] });
    const handle = await engine.client.run(failing, undefined);
    expect((await engine.failure(handle)).name).toBe(name);
    expect((await handle.getState()).attempt).toBe(1);
  });
});

describe('which failures are retried', () => {
  async function attemptsAfter(error: unknown, retries: RetryPolicy = {}): Promise<number> {
    const failing = workflow('failing', () => Promise.reject(error), { retries: { delay: 0, ...retries } });
    const engine: Engine = await startEngine({ workflows: [failing] });
    const handle = await engine.client.run(failing, undefined);
    await rejection(handle.result());
    return (await handle.getState()).attempt;
  }

  it('asks shouldRetry', async () => {
    const shouldRetry = ({ run }: RetryFailure) => run.attempt < 2;
    expect(await attemptsAfter(boom(), { shouldRetry })).toBe(2);
  });

  it('retries whatever was thrown', async () => {
    expect(await attemptsAfter(undefined)).toBe(3);
    expect(await attemptsAfter('text')).toBe(3);
  });

  it('never retries a NonRetriableError or what extends it, whatever shouldRetry says', async () => {
    class CardDeclined extends NonRetriableError {}
    expect(await attemptsAfter(new NonRetriableError('no'), { shouldRetry: () => true })).toBe(1);
    expect(await attemptsAfter(new CardDeclined('no'))).toBe(1);
  });

  it('never retries a NonRetriableError that left a step', async () => {
    const handler = (ctx: WorkflowContext) =>
      ctx.step.run('pay', () => Promise.reject(new NonRetriableError('no')), { maxAttempts: 5 });
    const failing = workflow('failing', handler);
    const engine = await startEngine({ workflows: [failing] });
    const handle = await engine.client.run(failing, undefined);
    expect(await engine.failure(handle)).toBeInstanceOf(NonRetriableError);
    expect((await handle.getState()).attempt).toBe(1);
    expect((await engine.client.getRunSteps(handle.id))[0]).toMatchObject({ status: 'failed', attempt: 1 });
  });
});
