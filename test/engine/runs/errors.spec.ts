import { describe, expect, it } from '@jest/globals';
import {
  NonRetriableError,
  RunFailedError,
  StepTimeoutError,
  type StoredError,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';

/** Everywhere an error of a run can be seen. */
async function sightings(thrown: unknown): Promise<{ cause: Error; stored: StoredError; engine: Engine; id: string }> {
  const flow = workflow('flow', () => Promise.reject(thrown), { maxAttempts: 1 });
  const engine = await startEngine({ workflows: [flow] });
  const handle = await engine.client.run(flow, undefined);
  const pushed = await rejection(handle.result());
  const fetched = await rejection(engine.anotherClient().getHandle(handle.id).result());
  expect(pushed).toBeInstanceOf(RunFailedError);
  expect(pushed).toMatchObject({ runId: handle.id, workflow: 'flow' });
  const cause = pushed.cause as Error;
  expect(fetched.cause).toEqual(cause);
  const { error: stored } = await handle.getState();
  const [attempt] = await engine.client.getRunAttempts(handle.id);
  const [listed] = (await engine.client.listRuns()).items;
  expect(attempt.error).toEqual(stored);
  expect(listed.error).toEqual(stored);
  expect(stored).toBeDefined();
  expect([cause.name, cause.message]).toEqual([stored?.name, stored?.message]);
  return { cause, stored: stored as StoredError, engine, id: handle.id };
}

describe('the error of a failed run', () => {
  it('keeps name, message, stack, code and own fields', async () => {
    const error = Object.assign(new TypeError('bad'), {
      code: 'E_BAD',
      status: 502,
      details: { at: new Date(0), list: [1, null] },
    });
    const { cause, stored } = await sightings(error);
    const fields = { code: 'E_BAD', status: 502, details: { at: '1970-01-01T00:00:00.000Z', list: [1, null] } };
    expect(stored).toEqual({ name: 'TypeError', message: 'bad', stack: error.stack, ...fields });
    expect(cause).toBeInstanceOf(TypeError);
    expect(cause).toMatchObject(fields);
    expect(cause.stack).toBe(error.stack);
  });

  it('keeps the name of a class of the user', async () => {
    class CardDeclined extends Error {
      override readonly name = 'CardDeclined';
      readonly reason = 'funds';
    }
    const { cause, stored } = await sightings(new CardDeclined('no'));
    expect(stored).toMatchObject({ name: 'CardDeclined', message: 'no', reason: 'funds' });
    expect(cause).toBeInstanceOf(Error);
  });

  it('leaves out what JSON cannot hold', async () => {
    const error = Object.assign(new Error('odd'), { fn: () => 1, big: 1n, kept: true, self: {} });
    error.self = error;
    const { stored } = await sightings(error);
    expect(stored).toEqual({ name: 'Error', message: 'odd', stack: expect.any(String), kept: true });
  });

  it.each([
    ['a string', 'just text', 'just text'],
    ['undefined', undefined, 'Thrown: undefined'],
    ['null', null, 'Thrown: null'],
    ['a number', 42, 'Thrown: 42'],
    ['a symbol', Symbol('s'), 'Thrown: a symbol'],
    ['an object', { a: 1 }, 'Thrown: {"a":1}'],
  ])('is an error for %s, too', async (_what, thrown, message) => {
    const { cause, stored } = await sightings(thrown);
    expect(stored).toMatchObject({ name: 'Error', message });
    expect(cause).toBeInstanceOf(Error);
  });

  it('keeps what an AggregateError holds', async () => {
    const { cause, stored } = await sightings(new AggregateError([new RangeError('a'), 'b'], 'both'));
    expect(stored).toMatchObject({ name: 'AggregateError', message: 'both', errors: [{ name: 'RangeError' }, { message: 'b' }] });
    expect(cause).toBeInstanceOf(AggregateError);
    expect((cause as AggregateError).errors.map(({ message }) => message)).toEqual(['a', 'b']);
  });

  it('keeps ten causes', async () => {
    let error = new Error('cause 12');
    for (let i = 11; i >= 0; i--) error = new Error(`cause ${i}`, { cause: error });
    const { cause } = await sightings(error);
    const messages: string[] = [];
    for (let at: unknown = cause; at instanceof Error; at = at.cause) messages.push(at.message);
    expect(messages).toEqual(Array.from({ length: 11 }, (_, i) => `cause ${i}`));
  });

  it('cuts cycles of causes', async () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    const { stored } = await sightings(a);
    expect(stored.cause).toMatchObject({ message: 'b' });
    expect(stored.cause).not.toHaveProperty('cause');
  });

  it('is an instance of the class of this library that it was', async () => {
    const { cause } = await sightings(new NonRetriableError('no', { cause: new SyntaxError('inner') }));
    expect(cause).toBeInstanceOf(NonRetriableError);
    expect(cause.cause).toBeInstanceOf(SyntaxError);
  });

  it('stays small, however much was thrown', async () => {
    const huge = Object.assign(new Error('m'.repeat(1_000_000)), { field: 'f'.repeat(1_000_000) });
    const { stored } = await sightings(huge);
    expect(JSON.stringify(stored).length).toBeLessThan(100_000);
  });
});

describe('the error of a failed step', () => {
  it('is the stored form of the one that was thrown, for the handler that catches it', async () => {
    const error = new RangeError('far');
    let caught: unknown;
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step
        .run('one', () => Promise.reject(error))
        .catch((reason: unknown) => {
          caught = reason;
        });
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(caught).not.toBe(error);
    expect(caught).toBeInstanceOf(RangeError);
    expect(caught).toMatchObject({ message: 'far', stack: error.stack });
  });

  it('is stored with the step, and has the shape it has in the run', async () => {
    const error = Object.assign(new Error('boom', { cause: 'why' }), { code: 'E1' });
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('one', () => Promise.reject(error)), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await rejection(handle.result());
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(step).toMatchObject({ name: 'one', kind: 'run', status: 'failed', attempt: 1 });
    expect(step.error).toEqual((await handle.getState()).error);
  });

  it('is rebuilt with its class when it is replayed', async () => {
    const seen: unknown[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const hung = new Promise<never>(() => undefined);
      await ctx.step.run('slow', () => hung, { timeout: 1 }).catch((error: unknown) => seen.push(error));
      await ctx.step.waitFor('nap', '1h');
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await handle.result();
    expect(seen).toHaveLength(2);
    for (const error of seen) expect(error).toBeInstanceOf(StepTimeoutError);
    expect({ ...(seen[1] as object) }).toEqual({ ...(seen[0] as object) });
    expect((seen[1] as Error).stack).toBe((seen[0] as Error).stack);
  });
});
