import { describe, expect, it } from '@jest/globals';
import { ErrorClasses } from '../../../lib/engine/core/errors/error-classes.js';
import {
  type CompensationContext,
  CrashLoopError,
  createRegistry,
  DuplicateStepError,
  defineWorkflow,
  InvalidOptionError,
  NestedStepError,
  RunCanceledError,
  RunTimeoutError,
  type StepOptions,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { stepPolicyOf } from '../../../lib/engine/worker/steps/step-policy.js';
import { blocked } from '../../support/blocked.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ownPasses, perPass } from '../../support/passes.js';

type Undone = [step: string, output: unknown, context: CompensationContext];

/** Notes what is undone, in order. */
function undoing(undone: Undone[]) {
  return (step: string): StepOptions<string> => ({
    compensate: (output, context) => void undone.push([step, output, context]),
  });
}
const stepsOf = (undone: Undone[]) => undone.map(([step]) => step);

/** A, B and C with compensations, then `end`. */
function booking(undone: Undone[], end: (ctx: WorkflowContext) => unknown, options = {}) {
  const undo = undoing(undone);
  return workflow(
    'booking',
    async (ctx: WorkflowContext) => {
      for (const name of ['A', 'B', 'C']) await ctx.step.run(name, () => `did ${name}`, undo(name));
      await end(ctx);
    },
    { maxAttempts: 1, ...options },
  );
}

describe('compensations', () => {
  it('are left to the next worker where a stop aborts the handler that is to tell of them', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const replayed = gate();
    let hasFailed = false;
    let isSlow = true;
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('plan', () => 'planned');
        if (hasFailed && isSlow) {
          const aborted = new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));
          replayed.open();
          await aborted;
        }
        await ctx.step.run('A', () => 'did A', undo('A'));
        hasFailed = true;
        throw new TypeError('no seat');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 60_000 } });
    const handle = await engine.client.run(flow, undefined);
    await replayed.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect(undone).toEqual([]);
    expect(await handle.getState()).toMatchObject({ status: 'queued', recoveries: 0 });
    isSlow = false;
    await engine.startWorker();
    expect(((await rejection(handle.result())) as Error).cause).toMatchObject({ message: 'no seat' });
    expect(stepsOf(undone)).toEqual(['A']);
  });

  it('run in reverse order, once each, before the run has failed', async () => {
    const undone: Undone[] = [];
    let statusMeanwhile: string | undefined;
    const flow = booking(undone, async () => {
      throw new TypeError('no seat');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const early = handle.result().catch((error: Error) => {
      statusMeanwhile = `${undone.length} undone`;
      return error;
    });
    expect(((await early) as Error).cause).toMatchObject({ name: 'TypeError', message: 'no seat' });
    expect(statusMeanwhile).toBe('3 undone');
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
    expect(undone.map(([, output]) => output)).toEqual(['did C', 'did B', 'did A']);
    expect(undone[0][2]).toMatchObject({
      idempotencyKey: `${handle.id}:compensate:C`,
      error: { name: 'TypeError', message: 'no seat' },
    });
    const run = await handle.getState();
    expect(run).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'TypeError' } });
    expect(run).not.toHaveProperty('compensating');
    expect(run).not.toHaveProperty('compensationErrors');
    expect((await engine.client.getRunSteps(handle.id)).map(({ name, kind, status }) => [name, kind, status])).toEqual(
      ['A', 'B', 'C', 'compensate:C', 'compensate:B', 'compensate:A'].map((name) => [name, 'run', 'succeeded']),
    );
    const attempts = ownPasses(await engine.client.getRunAttempts(handle.id));
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [1, 'failed'],
    ]);
  });

  it('do not run while attempts are left', async () => {
    const undone: Undone[] = [];
    const flow = booking(
      undone,
      ({ run }) => {
        if (run.attempt < 3) throw new Error('again');
      },
      { retries: { maxAttempts: 3, delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(undone).toEqual([]);
  });

  it('count the attempts as if there were none', async () => {
    const undone: Undone[] = [];
    const attempts: number[] = [];
    const flow = booking(
      undone,
      ({ run }) => {
        attempts.push(run.attempt);
        throw new Error('again');
      },
      { retries: { maxAttempts: 2, delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(await handle.getState()).toMatchObject({ attempt: 2, maxAttempts: 2 });
    // Two attempts, and the replay of the second.
    expect(perPass(attempts)).toEqual(perPass([1, 2, 2]));
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
  });

  it('run when a waiting run is canceled, whose handler is told where it waits', async () => {
    const undone: Undone[] = [];
    const told: unknown[] = [];
    const held = gate();
    const flow = workflow('booking', async (ctx: WorkflowContext) => {
      await ctx.step.run('A', () => 1, { compensate: () => held.promise });
      await ctx.step.run('B', () => 'b', undoing(undone)('B'));
      try {
        await ctx.step.waitFor('approval', '1h');
      } catch (error) {
        told.push(error, ctx.signal.reason);
        throw error;
      }
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    expect(await handle.cancel({ reason: 'no more' })).toEqual({ canceled: true, status: 'queued' });
    await eventually(() => undone.length === 1);
    const meanwhile = await handle.getState();
    expect(meanwhile).toMatchObject({ compensating: true, status: 'running', cancelReason: 'no more' });
    expect(await handle.cancel()).toEqual({ canceled: false, status: 'running' });
    held.open();
    expect(await rejection(handle.result())).toMatchObject({ reason: 'no more' });
    expect(perPass(told.map(String))).toEqual(perPass([1, 2].map(() => expect.stringMatching(/^RunCanceledError/))));
    expect(undone[0][2].error).toBeInstanceOf(RunCanceledError);
    expect(await handle.getState()).toMatchObject({ status: 'canceled' });
    expect(await handle.getState()).not.toHaveProperty('compensating');
    const attempts = ownPasses(await engine.client.getRunAttempts(handle.id));
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['parked', 'canceled']);
  });

  it('run when a running run is canceled, for the step in flight too', async () => {
    const undone: Undone[] = [];
    const started = gate();
    const held = gate();
    const undo = undoing(undone);
    const flow = workflow('booking', async (ctx: WorkflowContext) => {
      await ctx.step.run('A', () => 'a', undo('A'));
      await ctx.step.run(
        'B',
        async () => {
          started.open();
          await held.promise;
          return 'b';
        },
        undo('B'),
      );
      await ctx.step.run('C', () => 'c', undo('C'));
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    held.open();
    expect(await rejection(handle.result())).toBeInstanceOf(RunCanceledError);
    expect(stepsOf(undone)).toEqual(['B', 'A']);
    const attempts = ownPasses(await engine.client.getRunAttempts(handle.id));
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['canceled', 'canceled']);
  });

  it('do not run where the cancellation wants none', async () => {
    const undone: Undone[] = [];
    const flow = booking(undone, ({ step }) => step.waitFor('approval', '1h'));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    expect(await handle.cancel({ compensate: false })).toEqual({ canceled: true, status: 'canceled' });
    expect(undone).toEqual([]);
  });

  it('of a descendant run when its ancestor is canceled', async () => {
    const undone: Undone[] = [];
    const child = booking(undone, ({ step }) => step.waitFor('approval', '1h'));
    const parent = workflow('parent', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', child, undefined));
    const engine = await startEngine({ workflows: [parent, child] });
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    const [step] = await engine.client.getRunSteps(handle.id);
    await engine.until(step.childRunId as string, 'waiting');
    await handle.cancel();
    await engine.until(step.childRunId as string, 'canceled');
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
  });

  it('see the history that the handler saw: failures it caught replay, parallel steps are found', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    let executed = 0;
    const flow = workflow(
      'mixed',
      async (ctx: WorkflowContext) => {
        const { step } = ctx;
        await step.run('caught', () => Promise.reject(new Error('first'))).catch(() => undefined);
        await Promise.all([step.run('A', () => 'a', undo('A')), step.run('B', () => 'b', undo('B'))]);
        await step.run('C', () => `c${++executed}`, undo('C'));
        await step.run('fails', () => {
          executed++;
          throw new Error('last');
        });
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.failure(handle)).toMatchObject({ message: 'last' });
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
    expect(executed).toBe(2);
  });

  it('run after a timeout of the run, without one themselves', async () => {
    const undone: Undone[] = [];
    const flow = booking(undone, ({ step }) => step.waitFor('approval', '2h'), { timeout: '1h' });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
  });

  it('run before onFailure, which sees their errors', async () => {
    const order: string[] = [];
    const flow = defineWorkflow('hooked', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: async (ctx: WorkflowContext) => {
        await ctx.step.run('A', () => 'a', {
          compensate: { run: () => Promise.reject(new Error('stuck')), retries: { maxAttempts: 1 } },
        });
        await ctx.step.run('B', () => 'b', { compensate: () => order.push('undo B') });
        throw new Error('no');
      },
      onFailure: ({ run }) => order.push(`hook: ${run.compensationErrors?.[0].message}`),
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    await engine.hookEnded(handle.id);
    expect(order).toEqual(['undo B', 'hook: stuck']);
  });
});

describe('a compensation that fails', () => {
  it('is retried with the default backoff, parked, three times; then it is kept and the others go on', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    let tries = 0;
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('A', () => 'a', undo('A'));
        await ctx.step.run('B', () => 'b', {
          compensate: () => {
            tries++;
            throw new RangeError('locked');
          },
        });
        await ctx.step.run('C', () => 'c', undo('C'));
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.until(handle.id, 'waiting')).toMatchObject({ compensating: true, attempt: 1 });
    expect(tries).toBe(1);
    await eventually(async () => {
      await engine.advance(10_000);
      return (await handle.getState()).status === 'failed';
    });
    expect(tries).toBe(3);
    expect(stepsOf(undone)).toEqual(['C', 'A']);
    const run = await handle.getState();
    expect(run).toMatchObject({ attempt: 1, error: { message: 'no' } });
    expect(run.compensationErrors).toEqual([expect.objectContaining({ name: 'RangeError', message: 'locked', step: 'B' })]);
  });

  it('follows its own policy', async () => {
    let tries = 0;
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        const run = () => {
          if (++tries < 5) throw new Error('not yet');
        };
        await ctx.step.run('A', () => 'a', { compensate: { run, retries: { maxAttempts: 5, delay: 0 } } });
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(tries).toBe(5);
    expect(await handle.getState()).not.toHaveProperty('compensationErrors');
  });

  it('because it never settles, ends with its timeout, attempt by attempt, and does not hold the run', async () => {
    const undone: Undone[] = [];
    const signals: AbortSignal[] = [];
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('A', () => 'a', undoing(undone)('A'));
        const run = (_output: unknown, { signal }: CompensationContext) => {
          signals.push(signal);
          return new Promise<never>(() => undefined);
        };
        await ctx.step.run('B', () => 'b', { compensate: { run, timeout: 20, retries: { maxAttempts: 2, delay: 0 } } });
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect((await handle.getState()).compensationErrors).toMatchObject([{ name: 'StepTimeoutError', step: 'B', timeoutMs: 20 }]);
    expect(stepsOf(undone)).toEqual(['A']);
  });

  it('is given ten minutes an attempt, unless it says otherwise', () => {
    const timeoutOf = (options: StepOptions) => stepPolicyOf('charge', options, ErrorClasses.none).compensation?.timeoutMs;
    expect(timeoutOf({ compensate: () => undefined })).toBe(600_000);
    expect(timeoutOf({ compensate: { run: () => undefined } })).toBe(600_000);
    expect(timeoutOf({ compensate: { run: () => undefined, timeout: '1h' } })).toBe(3_600_000);
  });

  it('because the handler does not reach its step again blocks the run, and says so once that is accepted', async () => {
    let hasFailed = false;
    const undone: Undone[] = [];
    const flow = workflow(
      'changed',
      async (ctx: WorkflowContext) => {
        if (!hasFailed) await ctx.step.run('A', () => 'a', undoing(undone)('A'));
        else await ctx.step.run('B', () => 'b');
        hasFailed = true;
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await blocked(engine, handle.id)).toMatchObject({ compensating: true, blocked: { missing: ['A'] } });
    await engine.client.resumeRun(handle.id, { accept: true });
    await rejection(handle.result());
    const [error] = (await handle.getState()).compensationErrors ?? [];
    expect(error).toMatchObject({ step: 'A', message: expect.stringContaining('the handler did not reach it again') });
    expect(undone).toEqual([]);
  });

  it.each(['first', 'second'])(
    'not because the handler fails before its %s step, as without a service that it asks for more: it is tried again',
    async (place) => {
      const undone: Undone[] = [];
      let isAway = false;
      let failures = 0;
      const flow = workflow(
        'needy',
        async (ctx: WorkflowContext) => {
          if (place === 'second') await ctx.step.run('plan', () => 'planned');
          if (isAway) throw new Error('the configuration service is away');
          await ctx.step.run('A', () => 'a', undoing(undone)('A'));
          isAway = failures++ === 0;
          throw new Error('no');
        },
        { maxAttempts: 1 },
      );
      const engine = await startEngine({ workflows: [flow] });
      const handle = await engine.client.run(flow, undefined);
      await eventually(async () => {
        expect(engine.logs.matching('error', /its handler failed before it was through; .* service is away/)).not.toEqual([]);
        expect((await handle.getState()).status).toBe('waiting');
      }, 'the run rests');
      expect(await handle.getState()).toMatchObject({ compensating: true });
      isAway = false;
      await engine.advance(5_000);
      const run = await engine.until(handle.id, 'failed');
      expect(run.compensationErrors).toBeUndefined();
      expect(run.error).toMatchObject({ message: 'no' });
      expect(undone).toHaveLength(1);
    },
  );

  it('because the handler hangs in its replay, runs all the same after the grace', async () => {
    const undone: Undone[] = [];
    let passes = 0;
    const flow = booking(undone, () => {
      passes++;
      if (passes === 1) throw new Error('no');
      return new Promise(() => undefined);
    });
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs: 50 } });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(stepsOf(undone)).toEqual(['C', 'B', 'A']);
  });

  it('because workers crash in it again and again, is given up, not in silence', async () => {
    const undone: Undone[] = [];
    const flow = booking(undone, () => {
      throw new Error('no');
    });
    const engine = await startEngine({ workflows: [flow], worker: false });
    const handle = await engine.client.run(flow, undefined);
    const key = engine.key(`run:${handle.id}`);
    const held = gate();
    const first = await engine.startWorker({
      workflows: [
        booking(undone, async () => {
          if ((await engine.redis.hget(key, 'co')) === null) throw new Error('no');
          await held.promise;
        }),
      ],
    });
    await eventually(async () => (await engine.redis.hget(key, 'co')) === 'f' && (await engine.redis.hget(key, 'st')) === 'r');
    await engine.redis.hset(key, 'rs', 99);
    await first.stop({ timeoutMs: 0 });
    held.open();
    await engine.startWorker({ workflows: [flow] });
    await rejection(handle.result());
    const errors = (await handle.getState()).compensationErrors ?? [];
    expect(errors.map(({ name, step }) => [name, step])).toEqual(['C', 'B', 'A'].map((step) => [CrashLoopError.name, step]));
    expect(undone).toEqual([]);
  });
});

describe('ctx.commit()', () => {
  it('keeps what completed before it, also when it is replayed after a park', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('A', () => 'a', undo('A'));
        await ctx.commit();
        await ctx.step.waitFor('nap', '1h');
        await ctx.step.run('B', () => 'b', undo('B'));
        await ctx.step.waitFor('another', '1h');
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    for (let nap = 0; nap < 2; nap++) {
      await engine.until(handle.id, 'waiting');
      await eventually(
        async () => (await engine.client.getRunSteps(handle.id)).filter(({ kind }) => kind === 'sleep').length === nap + 1,
      );
      await engine.advance(3_600_000);
    }
    await rejection(handle.result());
    expect(stepsOf(undone)).toEqual(['B']);
  });

  it('leaves nothing to compensate when it comes last', async () => {
    const undone: Undone[] = [];
    const flow = booking(undone, async (ctx) => {
      await ctx.commit();
      throw new Error('no');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    expect(undone).toEqual([]);
    expect(ownPasses(await engine.client.getRunAttempts(handle.id))).toHaveLength(1);
  });

  it('may be called again, and the last one counts', async () => {
    const undone: Undone[] = [];
    const undo = undoing(undone);
    const flow = workflow(
      'booking',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('A', () => 'a', undo('A'));
        await ctx.commit();
        await ctx.step.run('B', () => 'b', undo('B'));
        await ctx.commit();
        await ctx.step.run('C', () => 'c', undo('C'));
        throw new Error('no');
      },
      { retries: { maxAttempts: 2, delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(stepsOf(undone)).toEqual(['C']);
  });

  it('is refused inside a step', async () => {
    const flow = workflow('nested', (ctx: WorkflowContext) => ctx.step.run('A', () => ctx.commit()));
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toBeInstanceOf(NestedStepError);
  });
});

describe('the compensate option', () => {
  it.each([
    ['compensate', { compensate: 5 }],
    ['compensate', { compensate: null }],
    ['compensate', { compensate: { run: 'undo' } }],
    ['retry', { compensate: { run: (): void => undefined, retry: {} } }],
    ['retries.maxAttempts', { compensate: { run: (): void => undefined, retries: { maxAttempts: 0 } } }],
  ])('refuses %s in %j', async (option, options) => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('A', () => 1, options as object));
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
    expect(error.message).toContain('step "A"');
  });

  it('takes the name of its step, and a step of that length may have one', async () => {
    const taken = workflow('taken', async (ctx: WorkflowContext) => {
      await ctx.step.run('A', () => 1, { compensate: () => undefined });
      await ctx.step.run('compensate:A', () => 1);
    });
    const undone: Undone[] = [];
    const name = 'x'.repeat(512);
    const long = workflow(
      'long',
      async (ctx: WorkflowContext) => {
        await ctx.step.run(name, () => 'long', undoing(undone)(name));
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [taken, long] });
    expect(await engine.failure(await engine.client.run(taken, undefined))).toBeInstanceOf(DuplicateStepError);
    await rejection((await engine.client.run(long, undefined)).result());
    expect(stepsOf(undone)).toEqual([name]);
  });
});
