import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineWorkflow,
  RetryRefusedError,
  RunNotFoundError,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';

describe('retryRun()', () => {
  it('keeps completed steps, runs the failed one again, and a result() asked for anew waits for the new end', async () => {
    const calls: string[] = [];
    let broken = true;
    const flow = workflow(
      'order',
      async (ctx) => {
        const id = await ctx.step.run('reserve', () => `r${calls.push('reserve')}`);
        return ctx.step.run('charge', () => {
          calls.push('charge');
          if (broken) throw new Error('no funds');
          return `${id} paid`;
        });
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect((await engine.failure(handle)).message).toBe('no funds');
    broken = false;
    const again = await engine.client.retryRun<string>(handle.id);
    expect(await again.result()).toBe('r1 paid');
    expect(await handle.result()).toBe('r1 paid');
    expect(calls).toEqual(['reserve', 'charge', 'charge']);
    expect(await engine.client.getRun(handle.id)).toMatchObject({ status: 'succeeded', trigger: 'retry', attempt: 1 });
    const outcomes = (await engine.client.getRunAttempts(handle.id)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(1);
  });

  it('keeps failures that the handler caught', async () => {
    let tries = 0;
    let broken = true;
    const flow = workflow(
      'order',
      async (ctx) => {
        const note = await ctx.step
          .run('mail', () => {
            tries++;
            throw new Error('bounced');
          })
          .catch((error: Error) => error.message);
        await ctx.step.run('ship', () => {
          if (broken) throw new Error('closed');
        });
        return note;
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    broken = false;
    expect(await (await engine.client.retryRun(handle.id)).result()).toBe('bounced');
    expect(tries).toBe(1);
  });

  it('gives a new budget of attempts and a new deadline', async () => {
    let starts = 0;
    const flow = workflow(
      'slow',
      async (ctx) => {
        starts++;
        if (starts > 1) throw new Error(`start ${starts}`);
        await ctx.step.waitForEvent('paid', { event: 'paid', correlationKey: 'k' });
      },
      { timeout: '1h', retries: { maxAttempts: 2, delay: '1ms' } },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_001);
    expect((await engine.failure(handle)).name).toBe('RunTimeoutError');
    starts = 1;
    await engine.client.retryRun(handle.id);
    expect((await engine.failure(handle)).message).toMatch(/^start/);
    expect(await engine.client.getRun(handle.id)).toMatchObject({ status: 'failed', attempt: 2 });
  });

  it('has the parent wait for the child anew: one retries the child, then the parent', async () => {
    let broken = true;
    const child = workflow(
      'child',
      () => {
        if (broken) throw new Error('no paper');
        return 'printed';
      },
      { maxAttempts: 1 },
    );
    const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('print', child, undefined), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [child, parent] });
    const handle = await engine.client.run(parent, undefined);
    expect((await engine.failure(handle)).name).toBe('ChildWorkflowError');
    const [{ childRunId }] = await engine.client.getRunSteps(handle.id);
    expect(childRunId).toBeDefined();

    await engine.client.retryRun(handle.id);
    expect((await engine.failure(handle)).name).toBe('ChildWorkflowError');
    broken = false;
    await (await engine.client.retryRun(childRunId as string)).result();
    expect(await (await engine.client.retryRun(handle.id)).result()).toBe('printed');
    expect((await engine.client.listRuns()).items).toHaveLength(2);
  });

  it('has a canceled run wait for its event again', async () => {
    const flow = workflow('order', async (ctx) => {
      const event = await ctx.step.waitForEvent('paid', { event: 'paid', correlationKey: 'k1' });
      return event?.data;
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await handle.cancel();
    await engine.client.emitEvent('paid', 7, { correlationKey: 'k1' });
    expect(await (await engine.client.retryRun(handle.id)).result()).toBe(7);
  });

  it('runs the function again that a cancellation has aborted', async () => {
    const started = gate();
    let tries = 0;
    const flow = workflow('order', (ctx) =>
      ctx.step.run('charge', ({ signal }) => {
        if (++tries > 1) return 'charged';
        started.open();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }),
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await started.promise;
    await handle.cancel();
    await engine.until(handle.id, 'canceled');
    expect(await (await engine.client.retryRun(handle.id)).result()).toBe('charged');
  });

  it('runs onFailure again when the retry fails, and compensates kept steps', async () => {
    const undone: string[] = [];
    let hooks = 0;
    let isFirst = true;
    const flow = defineWorkflow('order', {
      maxAttempts: 1,
      registry: createRegistry(),
      handler: async (ctx: WorkflowContext) => {
        if (isFirst) throw new Error('first');
        await ctx.step.run('reserve', () => 'r', { compensate: () => void undone.push('reserve') });
        throw new Error('second');
      },
      onFailure: () => void hooks++,
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    await engine.hookEnded(handle.id);
    isFirst = false;
    await engine.client.retryRun(handle.id);
    expect((await engine.failure(handle)).message).toBe('second');
    await engine.hookEnded(handle.id);
    expect(hooks).toBe(2);
    expect(undone).toEqual(['reserve']);
    const refused = await rejection(engine.client.retryRun(handle.id));
    expect(refused).toBeInstanceOf(RetryRefusedError);
    expect(refused).toMatchObject({ runId: handle.id, reason: 'compensated' });
  });

  it('compensates the kept steps of a canceled run that had kept them', async () => {
    const undone: string[] = [];
    let phase = 1;
    const flow = workflow(
      'order',
      async (ctx) => {
        await ctx.step.run('reserve', () => 'r', { compensate: () => void undone.push('reserve') });
        await ctx.step.waitForEvent('paid', { event: 'paid', correlationKey: 'k', timeout: '1h' });
        if (phase === 2) throw new Error('late');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await handle.cancel({ compensate: false });
    expect(undone).toEqual([]);
    phase = 2;
    await engine.client.emitEvent('paid', 1, { correlationKey: 'k' });
    await engine.client.retryRun(handle.id);
    expect((await engine.failure(handle)).message).toBe('late');
    expect(undone).toEqual(['reserve']);
  });

  it('refuses runs that have not failed, and ids that nobody has', async () => {
    const flow = workflow('fine', () => 1);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(await rejection(engine.client.retryRun(handle.id))).toMatchObject({ reason: 'succeeded', code: 'RETRY_REFUSED' });
    expect(await rejection(engine.client.retryRun('nobody'))).toBeInstanceOf(RunNotFoundError);
  });

  it('lets one of many racing retries win', async () => {
    const opened = gate();
    let tries = 0;
    const flow = workflow(
      'order',
      async () => {
        if (++tries === 1) throw new Error('first');
        await opened.promise;
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    const calls = await Promise.allSettled(Array.from({ length: 8 }, () => engine.client.retryRun(handle.id)));
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    opened.open();
    await handle.result();
  });
});
