import { describe, expect, it } from '@jest/globals';
import type { Handler, StandardSchemaV1, WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';

/** How a run ends whose handler could be tried five times. */
async function endOf(handler: Handler<unknown, unknown>, options: WorkflowOptions = {}, maxPayloadBytes?: number) {
  const flow = workflow('flow', handler, { ...options, maxAttempts: 5, retries: { delay: 0 } });
  const fine = workflow('fine', () => 'fine');
  const engine = await startEngine({ workflows: [flow, fine], worker: { maxPayloadBytes } });
  const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
  const error = await engine.failure(handle);
  const { attempt } = await handle.getState();
  // The worker is alive and well.
  expect(await (await engine.client.run(fine, undefined)).result()).toBe('fine');
  return { error, attempt };
}

const stepOf = (fn: () => unknown) => (ctx: WorkflowContext) => ctx.step.run('one', fn, { maxAttempts: 5 });

describe('errors that would come again', () => {
  it.each<[string, Handler<unknown, unknown>]>([
    ['SerializationError', stepOf(() => 1n)],
    ['PayloadTooLargeError', stepOf(() => 'x'.repeat(200))],
    [
      'DuplicateStepError',
      async (ctx) => {
        await ctx.step.run('one', () => 1);
        await ctx.step.run('one', () => 2);
      },
    ],
    ['NestedStepError', (ctx) => ctx.step.run('one', () => ctx.step.waitFor('two', 1))],
    ['InvalidOptionError', (ctx) => ctx.step.waitFor('nap', Number.NaN)],
    ['InvalidOptionError', (ctx) => ctx.step.run('', () => 1)],
    ['InvalidOptionError', (ctx) => ctx.step.run('page#2', () => 1)],
    ['InvalidOptionError', (ctx) => ctx.step.run('compensate:page#2', () => 1)],
    ['InvalidOptionError', (ctx) => ctx.step.waitFor('nap#1', 1)],
    ['InvalidOptionError', (ctx) => ctx.step.runWorkflow('child#1', 'fine', undefined)],
    ['InvalidOptionError', (ctx) => ctx.step.emitWorkflow('child#1', 'fine', undefined)],
    ['InvalidOptionError', (ctx) => ctx.step.waitForEvent('event#1', { event: 'e', correlationKey: 'k' })],
    ['InvalidOptionError', (ctx) => ctx.step.waitForAny('any#1', { soon: { for: 1 } })],
    ['InvalidOptionError', (ctx) => ctx.step.waitForAny('any', { 'soon#1': { for: 1 } })],
    ['InvalidOptionError', (ctx) => ctx.step.emitEvent('emit#1', 'e', undefined)],
    ['InvalidOptionError', (ctx) => ctx.step.run('one', () => 1, { maxAttempts: 0 })],
    ['InvalidOptionError', (ctx) => ctx.step.run('one', () => 1, { timeout: 'soon' })],
    ['InvalidOptionError', (ctx) => ctx.step.run('one', () => 1, { compensate: 1 } as never)],
  ])('%s fails the run at its first attempt', async (name, handler) => {
    const { error, attempt } = await endOf(handler, {}, 100);
    expect([error.name, attempt]).toEqual([name, 1]);
  });

  it('StepMismatchError fails the attempt in which it shows', async () => {
    const handler = async (ctx: WorkflowContext) => {
      if (ctx.run.attempt > 1) return ctx.step.waitFor('one', 1);
      await ctx.step.run('one', () => 1);
      throw new Error('once more');
    };
    const { error, attempt } = await endOf(handler);
    expect(error).toMatchObject({ name: 'StepMismatchError', step: 'one', stored: 'run', called: 'sleep', runId: 'r1' });
    expect(attempt).toBe(2);
  });

  it('input that the worker finds invalid fails the run', async () => {
    const schema: StandardSchemaV1<unknown, unknown> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'is wrong', path: ['items', { key: 0 }] }] }),
      },
    };
    const flow = workflow('flow', () => 'never', { input: schema, maxAttempts: 5, retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    // A creator that knows the name alone cannot judge the input.
    const handle = await engine.anotherClient().runByName('flow', undefined);
    const error = await engine.failure(handle);
    const { attempt } = await handle.getState();
    expect(error).toMatchObject({ name: 'InputValidationError', issues: [{ path: 'items.0', message: 'is wrong' }] });
    expect(attempt).toBe(1);
  });

  it('a handler may catch them and go on', async () => {
    const handler = async (ctx: WorkflowContext) => {
      const first = await ctx.step.run('one', () => 1n).catch((error: Error) => error.name);
      await ctx.step.run('two', () => 2);
      const third = await ctx.step.run('two', () => 2).catch((error: Error) => error.name);
      return [first, third];
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toEqual(['SerializationError', 'DuplicateStepError']);
  });
});
