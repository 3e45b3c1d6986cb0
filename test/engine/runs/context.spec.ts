import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { currentRun, currentStep, type StepContext, type WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';
import { perPass } from '../../support/passes.js';

describe('currentRun() and currentStep()', () => {
  it('are undefined outside of a run', () => {
    expect(currentRun()).toBeUndefined();
    expect(currentStep()).toBeUndefined();
  });

  it('give the contexts of handler and step, also after awaiting', async () => {
    const seen: Array<[string, boolean]> = [];
    const handler = async (ctx: WorkflowContext) => {
      const note = (name: string, step?: StepContext) => seen.push([name, currentRun() === ctx && currentStep() === step]);
      note('handler');
      await ctx.step.run('one', async (step) => {
        note('step', step);
        await new Promise((resolve) => setImmediate(resolve));
        note('step after a turn', step);
      });
      note('handler after a step');
      await ctx.step.waitFor('nap', 1);
      note('handler after a sleep');
      await ctx.step.run('bad', () => Promise.reject(new Error('no'))).catch(() => note('catch'));
      await Promise.all(['a', 'b'].map((name) => ctx.step.run(name, (step) => note(name, step))));
      note('handler at the end');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(seen.filter(([, right]) => !right)).toEqual([]);
    expect(seen.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'handler',
        'step',
        'step after a turn',
        'handler after a step',
        'handler after a sleep',
        'catch',
        'a',
        'b',
      ]),
    );
  });

  it('do not mix up runs that execute at the same time', async () => {
    const handler = async (ctx: WorkflowContext<number>) => {
      const ids = new Set<string | undefined>();
      for (let i = 0; i < 5; i++) {
        await ctx.step.run(`step ${i}`, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          ids.add(currentRun()?.run.id);
        });
        ids.add(currentRun()?.run.id);
      }
      return ids.size === 1 && ids.has(ctx.run.id);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handles = await engine.client.runMany(
      flow,
      Array.from({ length: 30 }, (_, input) => ({ input })),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(new Set(results)).toEqual(new Set([true]));
  });
});

describe('ctx.run', () => {
  it('tells what the record tells', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ({ ...ctx.run }), { version: '3', maxAttempts: 4 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined, { tags: { a: 'b' } });
    expect(await handle.result()).toEqual({
      id: handle.id,
      workflow: 'flow',
      queue: 'default',
      attempt: 1,
      maxAttempts: 4,
      tags: { a: 'b' },
      version: '3',
      rootRunId: handle.id,
    });
  });
});

describe('ctx.logger', () => {
  it('adds run, workflow and running step to every line', async () => {
    const handler = async (ctx: WorkflowContext) => {
      ctx.logger.log('in the handler', { own: 1 });
      await ctx.step.run('one', () => {
        ctx.logger.warn('in the step');
        currentRun()?.logger.debug?.('of the current run');
      });
      ctx.logger.error('after the step');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const { id: runId } = await engine.client.run(flow, undefined);
    await engine.until(runId, 'succeeded');
    const lines = engine.logs.lines.filter(({ fields }) => fields.runId === runId);
    expect(perPass(lines)).toEqual([
      { level: 'log', message: 'in the handler', fields: { runId, workflow: 'flow', own: 1 } },
      { level: 'warn', message: 'in the step', fields: { runId, workflow: 'flow', step: 'one' } },
      { level: 'debug', message: 'of the current run', fields: { runId, workflow: 'flow', step: 'one' } },
      { level: 'error', message: 'after the step', fields: { runId, workflow: 'flow' } },
    ]);
  });

  it('is used by the engine itself for retries and failures', async () => {
    const flow = workflow('flow', () => Promise.reject(new TypeError('boom')), { maxAttempts: 2, retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const { id: runId } = await engine.client.run(flow, undefined);
    await engine.until(runId, 'failed');
    const fields = { runId, workflow: 'flow' };
    expect(engine.logs.matching('warn', /Attempt 1 of 2 failed.*TypeError: boom/)).toMatchObject([{ fields }]);
    expect(engine.logs.matching('error', /The run failed: TypeError: boom/)).toMatchObject([{ fields }]);
  });

  it('gets errors with their stacks and causes, without their fields: those of HTTP clients hold the headers of a request', async () => {
    class Refusal extends Error {
      override readonly name = 'Refusal';
      readonly config = { headers: { authorization: 'hunter2' } };
    }
    const refusal = Object.assign(new Refusal('401', { cause: Object.assign(new TypeError('closed'), { row: 'hunter2' }) }), {
      code: 'ERR_BAD_REQUEST',
    });
    const flow = workflow('flow', () => Promise.reject(refusal), { maxAttempts: 2, retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const { id: runId } = await engine.client.run(flow, undefined);
    await engine.until(runId, 'failed');
    const told = engine.logs.lines.filter(({ fields }) => 'error' in fields);
    expect(told.map(({ level }) => level)).toEqual(['warn', 'error']);
    for (const { fields } of told) {
      expect(inspect(fields, { depth: 9, showHidden: true })).not.toContain('hunter2');
      const { error } = fields as { error: Error };
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: 'Refusal', message: '401', code: 'ERR_BAD_REQUEST', stack: refusal.stack });
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'closed', stack: (refusal.cause as Error).stack });
    }
  });

  it('gets an error for what was thrown and is none', async () => {
    const flow = workflow('flow', () => Promise.reject('boom'), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const { id: runId } = await engine.client.run(flow, undefined);
    await engine.until(runId, 'failed');
    const [{ fields }] = engine.logs.matching('error', /The run failed: Error: boom/);
    expect(fields).toMatchObject({ error: expect.any(Error) });
  });
});
