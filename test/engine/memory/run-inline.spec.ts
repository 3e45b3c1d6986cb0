import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  ChildWorkflowError,
  createRegistry,
  currentRun,
  currentStep,
  defineWorkflow,
  InputValidationError,
  InvalidOptionError,
  NestedStepError,
  PayloadTooLargeError,
  RunCanceledError,
  RunTimeoutError,
  SerializationError,
  type StandardSchemaV1,
  type WorkflowContext,
  type WorkflowDefinition,
} from '../../../lib/engine/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { workflow } from '../../support/engine.js';
import { ALWAYS_PARK, perPass } from '../../support/passes.js';

const DAY = 86_400_000;

const connect = jest.spyOn(Socket.prototype, 'connect');
beforeEach(() => {
  connect.mockClear();
});
afterEach(() => {
  expect(connect).not.toHaveBeenCalled();
});

const needsName: StandardSchemaV1<unknown, { name: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { name } = (value ?? {}) as { name?: unknown };
      return typeof name === 'string' ? { value: { name: name.trim() } } : { issues: [{ message: 'missing', path: ['name'] }] };
    },
  },
};

describe('runInline()', () => {
  it('answers output, steps and the record of a run that succeeds', async () => {
    const greet = workflow('greet', (ctx: WorkflowContext<{ name: string }>) =>
      ctx.step.run('say', () => `hello ${ctx.input.name}`),
    );
    const result = await runInline(greet, { input: { name: 'Ada' } });
    expect(result).toMatchObject({ succeeded: true, output: 'hello Ada', run: { workflow: 'greet', status: 'succeeded' } });
    expect(result.steps).toMatchObject([{ name: 'say', kind: 'run', status: 'succeeded', output: 'hello Ada' }]);
  });

  it('passes sleeps and backoffs in virtual time, and replays the handler for each', async () => {
    const attempts: number[] = [];
    const sleeper = workflow(
      'sleeper',
      async (ctx) => {
        attempts.push(ctx.run.attempt);
        await ctx.step.waitFor('three weeks', '21d');
        return ctx.step.run('flaky', () => {
          if (ctx.run.attempt < 3) throw new Error('not yet');
          return ctx.run.attempt;
        });
      },
      { retries: { delay: '1d' } },
    );
    const { output, run } = await runInline(sleeper, { input: undefined });
    expect(output).toBe(3);
    expect(perPass(attempts)).toEqual(ALWAYS_PARK ? [1, 2, 3] : [1, 1, 2, 3]);
    const took = (run?.finishedAt ?? 0) - (run?.startedAt ?? 0);
    expect(took).toBeGreaterThanOrEqual(23 * DAY);
    expect(took).toBeLessThan(24 * DAY);
  });

  it('lets children and waits end in the order of virtual time', async () => {
    const child = workflow('slow-child', async (ctx) => {
      await ctx.step.waitFor('sleep', '2d');
      return 'child';
    });
    const parent = workflow('parent', async (ctx) => {
      const timedOut = await ctx.step.runWorkflow('short', child, 1, { timeout: '1d' }).catch((error: Error) => error.name);
      const [a, b] = await Promise.all([ctx.step.runWorkflow('a', child, 1), ctx.step.runWorkflow('b', child, 2)]);
      const { winner } = await ctx.step.waitForAny('any', { child: { workflow: child, input: 3 }, day: { for: '3d' } });
      return [timedOut, a, b, winner];
    });
    const { output, run } = await runInline(parent, { input: undefined });
    expect(output).toEqual(['StepTimeoutError', 'child', 'child', 'child']);
    expect(Math.floor(((run?.finishedAt ?? 0) - (run?.startedAt ?? 0)) / DAY)).toBe(5);
  });

  it('runs under fake timers that leave setImmediate and queueMicrotask alone', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask'], now: 1_000 });
    try {
      const flow = workflow('flow', async (ctx) => {
        await ctx.step.waitFor('a day', '1d');
        return ctx.step.run('flaky', ({ attempt }) => (attempt < 2 ? Promise.reject(new Error('no')) : Date.now()));
      });
      expect((await runInline(flow, { input: undefined })).output).toBe(1_000);
    } finally {
      jest.useRealTimers();
    }
  });

  it('gives null to a wait for an event, also without timeout and before the deadline of the run', async () => {
    const waits = workflow('waits', (ctx) => ctx.step.waitForEvent('approval', { event: 'approved', correlationKey: 'k' }), {
      timeout: '7d',
    });
    expect(await runInline(waits, { input: undefined })).toMatchObject({ succeeded: true, output: null });
  });

  it('fails a run whose deadline passes', async () => {
    const slow = workflow('slow', (ctx) => ctx.step.waitFor('a year', '365d'), { timeout: '7d' });
    const { succeeded, error } = await runInline(slow, { input: undefined });
    expect(succeeded).toBe(false);
    expect(error).toBeInstanceOf(RunTimeoutError);
  });

  it('answers the error that refuses an input, without a run', async () => {
    const handler = jest.fn(() => 1);
    const strict = workflow('strict', handler, { input: needsName });
    const refused = await runInline(strict, { input: {} as never });
    expect(refused).toMatchObject({ succeeded: false, steps: [] });
    expect(refused.run).toBeUndefined();
    expect(refused.error).toBeInstanceOf(InputValidationError);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect((await runInline(workflow('w', handler), { input: circular })).error).toBeInstanceOf(SerializationError);
    const large = await runInline(workflow('w', handler), { input: 'x'.repeat(100), maxPayloadBytes: 50 });
    expect(large.error).toBeInstanceOf(PayloadTooLargeError);
    expect(handler).not.toHaveBeenCalled();
  });

  it('hands over what the schema made of the input', async () => {
    const strict = workflow('strict', ({ input }: { input: { name: string } }) => input.name, { input: needsName });
    expect((await runInline(strict, { input: { name: ' Ada ' } })).output).toBe('Ada');
  });

  it('takes fields of the run, its event and its tick', async () => {
    const flow = workflow('flow', ({ run, event, schedule }) => ({ run, event, schedule }), { maxAttempts: 5 });
    const byEvent = await runInline(flow, {
      input: { id: 1 },
      run: { id: 'r1', attempt: 2, tags: { tenant: 'a' } },
      event: { name: 'order.placed', id: 'e1', ts: 5 },
    });
    expect(byEvent.output).toMatchObject({
      run: { id: 'r1', attempt: 2, maxAttempts: 5, tags: { tenant: 'a' } },
      event: { id: 'e1', name: 'order.placed', ts: 5, data: { id: 1 } },
    });
    expect(byEvent.run).toMatchObject({ trigger: 'event', eventId: 'e1' });
    const byTick = await runInline(flow, { input: undefined, schedule: { id: 's', instant: 60_000 } });
    expect(byTick.output).toMatchObject({ schedule: { id: 's', instant: 60_000 } });
    expect(byTick.run).toMatchObject({ trigger: 'cron' });
  });

  it('knows the current run and step', async () => {
    const flow = workflow('flow', async (ctx) => [
      currentRun() === ctx,
      await ctx.step.run('inside', () => currentStep()?.idempotencyKey),
    ]);
    expect((await runInline(flow, { input: undefined, run: { id: 'r1' } })).output).toEqual([true, 'r1:inside']);
  });

  it('cancels the run when the signal is aborted, and compensates', async () => {
    const controller = new AbortController();
    const undone: unknown[] = [];
    const flow = workflow('flow', async (ctx) => {
      await ctx.step.run('reserve', () => 'A1', { compensate: (output) => undone.push(output) });
      await ctx.step.run('cancel', () => controller.abort('changed their mind'));
      await ctx.step.run('never', () => undone.push('never'));
    });
    const { error, run } = await runInline(flow, { input: undefined, signal: controller.signal });
    expect(error).toBeInstanceOf(RunCanceledError);
    expect(error).toMatchObject({ reason: 'changed their mind' });
    expect(run?.status).toBe('canceled');
    expect(undone).toEqual(['A1']);
  });

  it('cancels a run before it starts when the signal is aborted already', async () => {
    const handler = jest.fn();
    const { error } = await runInline(workflow('flow', handler), { input: undefined, signal: AbortSignal.abort() });
    expect(error).toBeInstanceOf(RunCanceledError);
    expect(handler).not.toHaveBeenCalled();
  });

  it('runs the failure hook with retries of its own', async () => {
    const hooked: string[] = [];
    const flow = defineWorkflow('hooked', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: () => {
        throw new Error('gone wrong');
      },
      onFailure: async ({ error, step }) => {
        await step.waitFor('a while', '1d');
        await step.run('tell', () => hooked.push(error.message));
        if (hooked.length < 2) hooked.push('once');
      },
    });
    const { run } = await runInline(flow, { input: undefined });
    expect(run?.failureHook).toEqual({ status: 'succeeded' });
    expect(hooked).toEqual(['gone wrong', 'once']);
  });

  it('finds a child by name among the children that it is given', async () => {
    const child = workflow('shipping', ({ input }) => `shipped ${input}`);
    const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('ship', 'shipping', 'A1') as Promise<string>);
    expect((await runInline(parent, { input: undefined, children: [child] })).output).toBe('shipped A1');
    await expect(runInline(parent, { input: undefined })).rejects.toThrow(
      'Step "ship" starts workflow "shipping", which is not known here: give `children` the workflow, or `stepOverrides` the outcome of the step',
    );
  });

  it('refuses children that wait for each other', async () => {
    const child: WorkflowDefinition<number, unknown> = workflow('child', (ctx) =>
      ctx.step.runWorkflow('itself', child, 1, { idempotencyKey: 'k' }),
    );
    const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('child', child, 1, { idempotencyKey: 'k' }));
    await expect(runInline(parent, { input: undefined })).rejects.toThrow('waits for ever');
  });

  it('starts nothing for what is only emitted', async () => {
    const handler = jest.fn();
    const child = workflow('child', handler);
    const parent = workflow('parent', async (ctx) => [
      await ctx.step.emitWorkflow('known', child, 1),
      await ctx.step.emitWorkflow('by name', 'elsewhere', 1),
      await ctx.step.emitEvent('event', 'order.placed', 1),
    ]);
    const { output, steps } = await runInline(parent, { input: undefined });
    expect(output).toEqual([expect.stringMatching(/^\w{32}$/), expect.stringMatching(/^\w{32}$/), []]);
    expect(steps.map(({ kind }) => kind)).toEqual(['emit_workflow', 'emit_workflow', 'emit_event']);
    expect(handler).not.toHaveBeenCalled();
  });

  it('refuses a wait for events alone, and options that do not exist', async () => {
    const stuck = workflow(
      'stuck',
      (ctx) => ctx.step.waitForAny('any', { a: { event: 'a', correlationKey: 'k' } }) as Promise<unknown>,
    );
    await expect(runInline(stuck, { input: undefined })).rejects.toThrow('Step "any" waits for events only');
    await expect(runInline(stuck, { input: undefined, overrides: {} } as never)).rejects.toThrow(InvalidOptionError);
    await expect(runInline(stuck, { input: undefined, run: { status: 'queued' } as never })).rejects.toThrow(InvalidOptionError);
    await expect(runInline({} as never, { input: undefined })).rejects.toThrow(
      'an instance of a workflow class, with its run(ctx)',
    );
  });
});

describe('runInline() of workflows with limits', () => {
  const limits = {
    mutex: () => 'k',
    throttle: { limit: 1, period: '1d' },
    rateLimit: { limit: 1, period: '1d' },
    debounce: { key: () => 'k', period: '1d' },
  };

  it('applies none of them, to children neither', async () => {
    const child = workflow('child', (ctx: WorkflowContext<number>) => ctx.input, limits);
    const parent = workflow(
      'parent',
      (ctx) => Promise.all([1, 2].map((input) => ctx.step.runWorkflow(`child ${input}`, child, input))),
      limits,
    );
    expect(await runInline(parent, { input: undefined, run: { id: 'r' } })).toMatchObject({ succeeded: true, output: [1, 2] });
  });

  it('refuses what their key functions refuse', async () => {
    const broken = workflow('broken', () => 'never', { mutex: (input: { id: string }) => input.id.trim() });
    await expect(runInline(broken, { input: {} as { id: string } })).rejects.toThrow('`mutex` of workflow "broken" threw');
  });
});

describe('stepOverrides', () => {
  const everything = workflow('everything', async (ctx) => ({
    run: await ctx.step.run('run', () => 'real'),
    sleep: await ctx.step.waitFor('sleep', '1d'),
    event: await ctx.step.waitForEvent('event', { event: 'e', correlationKey: 'k' }),
    any: await ctx.step.waitForAny('any', { a: { event: 'e', correlationKey: 'k' }, b: { for: '1d' } }),
    child: await ctx.step.runWorkflow('child', 'unknown', { n: 1 }),
    emitted: await ctx.step.emitWorkflow('emitted', 'unknown', 1),
    events: await ctx.step.emitEvent('events', 'e', 1),
  }));

  it('stands in place of every kind of step, with a record of that kind', async () => {
    const at = new Date(0);
    const { output, steps } = await runInline(everything, {
      input: undefined,
      stepOverrides: {
        run: { at },
        sleep: 'ignored',
        event: { data: { ok: true } },
        any: { winner: 'a', value: 1 },
        child: (input: unknown) => ({ input }),
        emitted: 'run-1',
        events: ['run-2'],
      },
    });
    expect(output).toMatchObject({
      run: { at: '1970-01-01T00:00:00.000Z' },
      event: { name: 'e', correlationKey: 'k', data: { ok: true } },
      any: { winner: 'a', value: 1 },
      child: { input: { n: 1 } },
      emitted: 'run-1',
      events: ['run-2'],
    });
    expect(steps.map(({ kind }) => kind)).toEqual(['run', 'sleep', 'event', 'any', 'child', 'emit_workflow', 'emit_event']);
  });

  it('throws an error where the step is awaited, as often as the run is tried', async () => {
    const charge = jest.fn(() => {
      throw new RangeError('declined');
    });
    const flow = workflow('flow', (ctx) => ctx.step.run('charge', () => 'real'), { retries: { maxAttempts: 2, delay: '1h' } });
    const { error } = await runInline(flow, { input: undefined, stepOverrides: { charge } });
    expect(error).toBeInstanceOf(RangeError);
    expect(charge).toHaveBeenCalledTimes(2);
    const caught = workflow('caught', (ctx) => ctx.step.run('charge', () => 1).catch(({ message }: Error) => message));
    const result = await runInline(caught, { input: undefined, stepOverrides: { charge: new Error('declined') } });
    expect(result).toMatchObject({ output: 'declined', steps: [{ name: 'charge', status: 'failed' }] });
  });

  it('lets a child fail once, however often its parent is tried', async () => {
    const child = jest.fn(() => {
      throw new TypeError('no route');
    });
    const flow = workflow('flow', (ctx) => ctx.step.runWorkflow('ship', 'shipping', 1), { retries: { delay: 1 } });
    const { error, run } = await runInline(flow, { input: undefined, stepOverrides: { ship: child } });
    expect(error).toBeInstanceOf(ChildWorkflowError);
    expect(error?.cause).toBeInstanceOf(TypeError);
    expect(run?.attempt).toBe(3);
    expect(child).toHaveBeenCalledTimes(1);
  });

  it('checks what the handler gives to an overridden step', async () => {
    const child = workflow('strict', () => 1, { input: needsName });
    const flow = workflow('flow', (ctx) => ctx.step.runWorkflow('child', child, {} as never));
    const { error } = await runInline(flow, { input: undefined, stepOverrides: { child: 1 } });
    expect(error).toBeInstanceOf(InputValidationError);
    const nested = workflow('nested', (ctx) => ctx.step.run('outer', () => ctx.step.runWorkflow('child', child, { name: 'a' })));
    expect((await runInline(nested, { input: undefined, stepOverrides: { child: 1 } })).error).toBeInstanceOf(NestedStepError);
  });

  it('stands in place of compensations and of steps of the failure hook', async () => {
    const refund = jest.fn();
    const tell = jest.fn();
    const real = jest.fn();
    const flow = defineWorkflow('saga', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: async (ctx) => {
        await ctx.step.run('charge', () => 'ch_1', { compensate: real });
        throw new Error('after all');
      },
      onFailure: async ({ step }) => {
        await step.run('tell', real);
      },
    });
    await runInline(flow, { input: undefined, stepOverrides: { 'compensate:charge': refund, tell } });
    expect(refund).toHaveBeenCalledWith('ch_1', expect.objectContaining({ error: expect.any(Error) }));
    expect(tell).toHaveBeenCalledTimes(1);
    expect(real).not.toHaveBeenCalled();
  });

  it('refuses one that names no step, unless the run failed before', async () => {
    const flow = workflow('flow', (ctx) => ctx.step.run('charge', () => 1));
    await expect(runInline(flow, { input: undefined, stepOverrides: { chrage: 2 } })).rejects.toThrow(
      'The run did not call step "chrage". Did you mean "charge"? It called: charge',
    );
    const failing = workflow('failing', () => Promise.reject(new Error('early')), { maxAttempts: 1 });
    expect((await runInline(failing, { input: undefined, stepOverrides: { later: 1 } })).error?.message).toBe('early');
  });

  it('refuses an outcome that the step cannot have', async () => {
    const run = (stepOverrides: Record<string, unknown>) => runInline(everything, { input: undefined, stepOverrides });
    await expect(run({ event: { ok: true } })).rejects.toThrow(
      'Expected the override of step "event" to be an event with its `data`',
    );
    await expect(run({ any: { winner: 'c' } })).rejects.toThrow(
      'Expected the override of step "any" to be { winner, value } with one of a, b',
    );
  });
});
