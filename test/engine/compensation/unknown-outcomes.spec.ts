import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  type CompensationContext,
  InvalidOptionError,
  RunCanceledError,
  RunTimeoutError,
  type StepContext,
  type StepOptions,
  StepTimeoutError,
  UnknownOutcomeError,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { blocked } from '../../support/blocked.js';
import { type Engine, gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { lossyProxy } from '../../support/engine-room.js';
import { ownPasses } from '../../support/passes.js';

const never = new Promise<never>(() => undefined);

type Undone = { step: string; output: unknown } & CompensationContext;

/** Notes what is undone, in order. */
function undoing(undone: Undone[]) {
  return (step: string, options: StepOptions<string> = {}): StepOptions<string> => ({
    ...options,
    compensate: (output, context) => void undone.push({ step, output, ...context }),
  });
}

/** Rejects once it is told to stop. */
const untilAborted = ({ signal }: StepContext): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

const outcomesOf = (undone: Undone[]) => undone.map(({ step, outcome, output }) => [step, outcome, output]);

/** A workflow with one attempt. */
const once = (handler: (ctx: WorkflowContext) => unknown, options = {}) =>
  workflow('booking', handler, { maxAttempts: 1, ...options });

/** How a step is stored: kind and status. */
const recordOf = async (redis: Redis, engine: Engine, runId: string, step: string) =>
  (await redis.hget(engine.key(`data:${runId}`), `s:${step}`))?.slice(0, 3);

describe('a step with a compensation whose outcome is unknown is undone', () => {
  it('after its timeout, with the key to look its effect up', async () => {
    const undone: Undone[] = [];
    const keys: string[] = [];
    const flow = once(async ({ step }) => {
      const charge = (context: StepContext) => {
        keys.push(context.idempotencyKey);
        return untilAborted(context);
      };
      await step.run('charge', charge, undoing(undone)('charge', { timeout: 20 }));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.failure(handle)).toBeInstanceOf(StepTimeoutError);
    expect(undone).toMatchObject([{ outcome: 'unknown', output: undefined, stepIdempotencyKey: keys[0] }]);
    expect(undone[0].idempotencyKey).toBe(`${handle.id}:compensate:charge`);
    expect(undone[0].error).toBeInstanceOf(StepTimeoutError);
    expect(await handle.getState()).not.toHaveProperty('compensationErrors');
  });

  it('after the timeout of its run, though it settles by that', async () => {
    const undone: Undone[] = [];
    const flow = once(({ step }) => step.run('charge', untilAborted, undoing(undone)('charge')), { timeout: 50 });
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toBeInstanceOf(RunTimeoutError);
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('after a cancellation, when it rejects because of it', async () => {
    const undone: Undone[] = [];
    const started = gate();
    const flow = once(({ step }) => {
      const charge = (context: StepContext) => {
        started.open();
        return untilAborted(context);
      };
      return step.run('charge', charge, undoing(undone)('charge'));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('after a cancellation whose grace ends before it has settled', async () => {
    const undone: Undone[] = [];
    const started = gate();
    const flow = once(({ step }) => {
      const charge = () => {
        started.open();
        return never;
      };
      return step.run('charge', charge, undoing(undone)('charge'));
    });
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('when its run was handed back in the middle and is canceled while nobody executes it, and is not executed again', async () => {
    const undone: Undone[] = [];
    const started = gate();
    let executions = 0;
    const flow = once(({ step }) => {
      const charge = () => {
        executions++;
        started.open();
        return never;
      };
      return step.run('charge', charge, undoing(undone)('charge'));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect(await handle.cancel()).toEqual({ canceled: true, status: 'queued' });
    await engine.startWorker();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
    expect(executions).toBe(1);
  });

  it('when it has crashed too many workers', async () => {
    const undone: Undone[] = [];
    const started = gate();
    const flow = once(({ step }) => {
      const charge = () => {
        started.open();
        return never;
      };
      return step.run('charge', charge, undoing(undone)('charge'));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await engine.redis.hset(engine.key(`run:${handle.id}`), 'rs', 99);
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker();
    expect(await engine.failure(handle)).toMatchObject({ code: 'CRASH_LOOP' });
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('when it has returned what cannot be stored', async () => {
    const undone: Undone[] = [];
    const flow = once(({ step }) => step.run('charge', () => ({ cents: 10n }) as never, undoing(undone)('charge')));
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toMatchObject({ code: 'SERIALIZATION' });
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it.each([
    ['the run', { retries: { maxAttempts: 2, delay: 0 } }, {}],
    ['the step', { maxAttempts: 1 }, { retries: { maxAttempts: 2, delay: 0 } }],
  ])('though a later attempt of %s has failed by itself', async (_, ofRun, ofStep) => {
    const undone: Undone[] = [];
    const charge = (context: StepContext) => {
      if (context.attempt === 1) return untilAborted(context);
      throw new Error('card declined');
    };
    const handler = ({ step }: WorkflowContext) =>
      step.run('charge', charge, undoing(undone)('charge', { ...ofStep, timeout: 50 }));
    const flow = workflow('booking', handler, ofRun);
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toMatchObject({ message: 'card declined' });
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('though the handler has caught its failure, slept, and gone on', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const flow = once(async ({ step }) => {
      await step.run('A', untilAborted, undo('A', { timeout: 20 })).catch(() => undefined);
      await step.run('B', () => 'b', undo('B'));
      await step.waitFor('nap', '1h');
      throw new Error('no');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await rejection(handle.result());
    expect(outcomesOf(undone)).toEqual([
      ['B', 'completed', 'b'],
      ['A', 'unknown', undefined],
    ]);
  });

  it('before those that have completed, the last begun first', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const started = gate();
    const flow = once(async ({ step }) => {
      await step.run('first', () => 'f', undo('first'));
      let begun = 0;
      const hang = () => {
        if (++begun === 3) started.open();
        return never;
      };
      await Promise.all(['A', 'B', 'C'].map((name) => step.run(name, hang, undo(name))));
    });
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    await rejection(handle.result());
    expect(undone.map(({ step }) => step)).toEqual(['C', 'B', 'A', 'first']);
  });
});

describe('the compensation of a step whose outcome is unknown', () => {
  it('starts once its function has settled, also after its timeout', async () => {
    const order: string[] = [];
    const aborted = gate();
    const late = gate();
    const charge = async ({ signal }: StepContext) => {
      signal.addEventListener('abort', () => aborted.open());
      await late.promise;
      order.push('charged');
    };
    const flow = once(({ step }) => step.run('charge', charge, { timeout: 20, compensate: () => order.push('refunded') }));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await aborted.promise;
    const meanwhile = await handle.getState();
    expect(meanwhile).toMatchObject({ status: 'running' });
    expect(meanwhile).not.toHaveProperty('compensating');
    late.open();
    await rejection(handle.result());
    expect(order).toEqual(['charged', 'refunded']);
  });

  it.each([
    ['of the step', { timeout: 20 }, {}],
    ['of the run', {}, { timeout: 100 }],
  ])('starts after a grace where its function never settles after the timeout %s', async (_, ofStep, ofRun) => {
    const undone: Undone[] = [];
    const flow = once(({ step }) => step.run('charge', () => never, undoing(undone)('charge', ofStep)), ofRun);
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it('gets the output where the function still completes after the timeout of the run', async () => {
    const undone: Undone[] = [];
    const charge = ({ signal }: StepContext) =>
      new Promise<string>((resolve) => signal.addEventListener('abort', () => setImmediate(resolve, 'charged')));
    const flow = once(({ step }) => step.run('charge', charge, undoing(undone)('charge')), { timeout: 50 });
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toBeInstanceOf(RunTimeoutError);
    expect(outcomesOf(undone)).toEqual([['charge', 'completed', 'charged']]);
  });

  it('gets the output of a later attempt that has succeeded', async () => {
    const undone: Undone[] = [];
    const charge = (context: StepContext) => (context.attempt === 1 ? untilAborted(context) : 'charged');
    const flow = workflow(
      'booking',
      async ({ step }: WorkflowContext) => {
        await step.run('charge', charge, undoing(undone)('charge', { timeout: 50 }));
        throw new Error('no');
      },
      { retries: { maxAttempts: 2, delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(outcomesOf(undone)).toEqual([['charge', 'completed', 'charged']]);
  });

  it('does not run where the step wants it reported', async () => {
    const undone: Undone[] = [];
    const flow = once(async ({ step }) => {
      const run = (output: string | undefined, context: CompensationContext) =>
        void undone.push({ step: 'charge', output, ...context });
      await step.run('known', () => 'k', { compensate: { run, unknown: 'report' } });
      await step.run('charge', untilAborted, { timeout: 20, compensate: { run, unknown: 'report' } });
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(outcomesOf(undone)).toEqual([['charge', 'completed', 'k']]);
    const { compensationErrors } = await handle.getState();
    expect(compensationErrors).toMatchObject([{ name: UnknownOutcomeError.name, code: 'UNKNOWN_OUTCOME', step: 'charge' }]);
    expect(compensationErrors?.[0].message).toContain(`"${handle.id}:charge"`);
  });

  it('blocks the run where the handler does not reach the step again, and is said to be missing once that is accepted', async () => {
    const started = gate();
    let passes = 0;
    const flow = once(async ({ step }) => {
      passes++;
      const charge = () => {
        started.open();
        return never;
      };
      if (passes === 1) await step.run('charge', charge, { compensate: () => undefined });
    });
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    expect(await blocked(engine, handle.id)).toMatchObject({ compensating: true, blocked: { missing: ['charge'] } });
    await engine.client.resumeRun(handle.id, { accept: true });
    await rejection(handle.result());
    expect((await handle.getState()).compensationErrors).toMatchObject([
      { step: 'charge', message: expect.stringContaining('was begun and was to be compensated') },
    ]);
  });

  it('lies behind a point of no return that is passed while the step is in flight', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const started = gate();
    const passed = gate();
    const flow = once(async (ctx) => {
      await ctx.step.run('before', () => 'b', undo('before'));
      const charge = () => {
        started.open();
        return never;
      };
      const charging = ctx.step.run('charge', charge, undo('charge'));
      await started.promise;
      await ctx.commit();
      passed.open();
      await charging;
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await passed.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await handle.cancel();
    await engine.startWorker();
    await rejection(handle.result());
    expect(outcomesOf(undone)).toEqual([['charge', 'unknown', undefined]]);
  });

  it.each([
    ['unknown', { unknown: 'maybe' }],
    ['timeout', { timeout: 0 }],
  ])('is refused with a wrong option: %s', async (option, wrong) => {
    const compensate = { run: () => undefined, ...wrong } as StepOptions['compensate'];
    const flow = once(({ step }) => step.run('charge', () => 1, { compensate }));
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, message: expect.stringContaining('(compensate of step "charge")') });
  });
});

describe('a step with a compensation that has thrown by itself', () => {
  const declined = () => {
    throw new Error('card declined');
  };

  it.each([
    ['fails its run', { maxAttempts: 1 }, {}],
    ['is retried by its own policy', { maxAttempts: 1 }, { retries: { maxAttempts: 2, delay: 0 } }],
    ['is retried with its run', { retries: { maxAttempts: 2, delay: 0 } }, {}],
  ])('leaves nothing to undo: it %s', async (_, ofRun, ofStep) => {
    const undone: Undone[] = [];
    const handler = ({ step }: WorkflowContext) => step.run('charge', declined, undoing(undone)('charge', ofStep));
    const flow = workflow('booking', handler, ofRun);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(undone).toEqual([]);
    const passes = 'retries' in ofRun ? 2 : 1;
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toHaveLength(passes);
    // One that had been undone could not be.
    await engine.client.retryRun(handle.id);
  });

  it('leaves nothing to undo when its run is canceled in the backoff', async () => {
    const undone: Undone[] = [];
    const handler = ({ step }: WorkflowContext) => step.run('charge', declined, undoing(undone)('charge'));
    const flow = workflow('booking', handler, { retries: { delay: '1h' } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    expect(await handle.cancel()).toEqual({ canceled: true, status: 'canceled' });
    expect(undone).toEqual([]);
  });

  it('leaves others to be undone', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const flow = once(async ({ step }) => {
      await step.run('hotel', () => 'h', undo('hotel'));
      await step.run('charge', declined, undo('charge'));
    });
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(outcomesOf(undone)).toEqual([['hotel', 'completed', 'h']]);
  });
});

describe('the beginning of a step with a compensation', () => {
  it('is stored before its function starts, on every attempt, and that of other steps is not', async () => {
    const seen: unknown[] = [];
    const flow = workflow(
      'booking',
      async ({ step, run }: WorkflowContext) => {
        const look = (name: string) => async () => {
          seen.push([name, await recordOf(engine.redis, engine, run.id, name)]);
          if (seen.length < 3) throw new Error('once more');
          return 'done';
        };
        const retries = { maxAttempts: 2, delay: 0 };
        await step.run('charge', look('charge'), { retries, compensate: () => undefined });
        await step.run('mail', look('mail'));
      },
      { retries: { maxAttempts: 2, delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(seen).toEqual([
      ['charge', 'u,r'],
      ['charge', 'u,r'],
      ['charge', 'u,r'],
      ['mail', undefined],
    ]);
  });

  it('is repeated where its answer was lost, and the function starts once', async () => {
    const proxy = await lossyProxy();
    let executions = 0;
    const flow = once(({ step }) => step.run('charge', () => ++executions, { compensate: () => undefined }));
    const engine = await startEngine({ workflows: [flow], worker: { url: proxy.url } });
    const lost = proxy.dropReplyTo(/\r\nu,r,0,1,0@0,\r\n/);
    const handle = await engine.client.run(flow, undefined);
    await lost;
    expect(await recordOf(engine.redis, engine, handle.id, 'charge')).toBe('u,r');
    expect(await handle.result()).toBe(1);
  });

  it.each([
    ['fails for good', { maxAttempts: 1 }, 1],
    ['fails once more', { retries: { maxAttempts: 2, delay: 0 } }, 2],
  ])('is taken back where its run %s before its function has started', async (_, options, passes) => {
    const undone: Undone[] = [];
    let executions = 0;
    const flow = workflow(
      'booking',
      ({ step }: WorkflowContext) =>
        Promise.all([
          step.run('fails', () => Promise.reject(new Error('no seat'))),
          step.run('charge', () => `${++executions}`, undoing(undone)('charge')),
        ]),
      options,
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.failure(handle)).toMatchObject({ message: 'no seat' });
    expect([executions, outcomesOf(undone)]).toEqual([0, []]);
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toHaveLength(passes);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['fails']);
    expect(await engine.redis.hget(engine.key(`run:${handle.id}`), 'cp')).toBeNull();
  });

  it('is taken back where its run is canceled before its function has started', async () => {
    const undone: Undone[] = [];
    const stop = new AbortController();
    let executions = 0;
    const flow = once(async ({ step }) => {
      const charging = step.run('charge', () => `${++executions}`, undoing(undone)('charge'));
      stop.abort();
      await charging;
    });
    const { run, steps } = await runInline(flow, { input: undefined, signal: stop.signal });
    expect(run).toMatchObject({ status: 'canceled' });
    expect([executions, undone, steps]).toEqual([0, [], []]);
  });
});
