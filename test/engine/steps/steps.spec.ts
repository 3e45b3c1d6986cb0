import { describe, expect, it } from '@jest/globals';
import { DuplicateStepError, type StepContext, StepMismatchError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, once, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const retryAtOnce = { retries: { delay: 0 } };

/** Fails the first attempt of the run, so that the second replays what comes before. */
function failOnce(ctx: WorkflowContext): void {
  if (ctx.run.attempt === 1) throw new Error('once more');
}

describe('step.run()', () => {
  it('runs a function once and gives its stored result to every later pass', async () => {
    const calls: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const one = await ctx.step.run('one', () => `one ${calls.push('one')}`);
      const two = await ctx.step.run('two', async () => `two ${calls.push('two')}`);
      await ctx.step.waitFor('nap', '1h');
      failOnce(ctx);
      const three = await ctx.step.run('three', () => `three ${calls.push('three')}`);
      return [one, two, three];
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await handle.result()).toEqual(['one 1', 'two 2', 'three 3']);
    expect(calls).toEqual(['one', 'two', 'three']);
  });

  it('runs the handler from the top on every pass', async () => {
    const tops: number[] = [];
    const handler = async (ctx: WorkflowContext) => {
      tops.push(ctx.run.attempt);
      await ctx.step.waitFor('a', '1h');
      await ctx.step.waitFor('b', '1h');
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    for (const passes of [1, 2]) {
      await eventually(async () => tops.length === passes && (await handle.getState()).status === 'waiting');
      await engine.advance(3_600_000);
    }
    await handle.result();
    expect(tops).toEqual([1, 1, 1, 2]);
  });

  it('is told an idempotency key that is stable for run and step', async () => {
    const keys: Array<[string, string]> = [];
    const note =
      (name: string) =>
      ({ idempotencyKey }: StepContext) => {
        keys.push([name, idempotencyKey]);
        if (keys.filter(([noted]) => noted === name).length < 3) throw new Error('again');
      };
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('a', note('a'), { retries: { maxAttempts: 2, delay: 0 } });
      await ctx.step.run('b', note('b'), { retries: { maxAttempts: 2, delay: 0 } });
    };
    const flow = workflow('flow', handler, { maxAttempts: 5, ...retryAtOnce });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(keys).toHaveLength(6);
    expect(new Set(keys.map(String)).size).toBe(2);
    expect(new Set(keys.map(([, key]) => key)).size).toBe(2);
    for (const [, key] of keys) expect(key).toContain(handle.id);
  });

  it('counts its failures over all attempts of the run', async () => {
    const attempts: number[] = [];
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('fine', ({ attempt }) => attempts.push(attempt * 10));
      await ctx.step.run('flaky', ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('boom');
      });
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(attempts).toEqual([10, 1, 2, 3]);
    expect((await engine.client.getRunSteps(handle.id)).map(({ name, attempt }) => [name, attempt])).toEqual([
      ['fine', 1],
      ['flaky', 3],
    ]);
  });

  it.each(['x'.repeat(512), '🎈'.repeat(512), ' ', 'a\nb\0c', '__proto__', 'constructor', 'i', 's:x', '{a}:*'])(
    'may be called %j',
    async (name) => {
      const calls: string[] = [];
      const handler = async (ctx: WorkflowContext) => {
        const value = await ctx.step.run(name, () => calls.push('run'));
        failOnce(ctx);
        return value;
      };
      const flow = workflow('flow', handler, retryAtOnce);
      const engine = await startEngine({ workflows: [flow] });
      const handle = await engine.client.run(flow, { the: 'input' });
      expect(await handle.result()).toBe(1);
      expect((await engine.client.getRunSteps(handle.id)).map((step) => step.name)).toEqual([name]);
      expect((await handle.getState()).input).toEqual({ the: 'input' });
    },
  );

  it('is listed in the order of completion, open steps last', async () => {
    const release = gate();
    const handler = async (ctx: WorkflowContext) => {
      const slow = ctx.step.run('slow', () => release.promise);
      await ctx.step.run('fast', () => 'f');
      await ctx.step.run('faster', () => undefined);
      await Promise.all([slow, ctx.step.waitFor('nap', '1h')]);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const steps = await once(async () => {
      const found = await engine.client.getRunSteps(handle.id);
      return found.some(({ status }) => status === 'running') && found;
    });
    expect(steps.slice(0, 2)).toMatchObject([
      { name: 'fast', kind: 'run', status: 'succeeded', output: 'f', attempt: 1 },
      { name: 'faster', status: 'succeeded' },
    ]);
    expect(steps.slice(2).map(({ name, status }) => [name, status])).toEqual(
      expect.arrayContaining([
        ['slow', 'running'],
        ['nap', 'waiting'],
      ]),
    );
    release.open();
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await handle.result();
    const names = (await engine.client.getRunSteps(handle.id)).map(({ name }) => name);
    expect(names).toEqual(['fast', 'faster', 'slow', 'nap']);
  });
});

describe('a name used twice', () => {
  it.each<[string, (ctx: WorkflowContext) => Promise<unknown>]>([
    ['one after the other', (ctx) => ctx.step.run('one', () => 1).then(() => ctx.step.run('one', () => 2))],
    ['at the same time', (ctx) => Promise.all([ctx.step.run('one', () => 1), ctx.step.run('one', () => 2)])],
    ['for a step and a sleep', (ctx) => Promise.all([ctx.step.run('one', () => 1), ctx.step.waitFor('one', 1)])],
    ['for two sleeps', (ctx) => ctx.step.waitFor('one', 0).then(() => ctx.step.waitFor('one', 0))],
  ])('in one pass, %s, is a DuplicateStepError', async (_how, handler) => {
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(DuplicateStepError);
    expect(error).toMatchObject({ runId: handle.id, step: 'one' });
    expect(error.message).toContain('put the index or key into the name');
  });

  it('is one as well where the first use is replayed', async () => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('one', () => 1);
      failOnce(ctx);
      await ctx.step.run('one', () => 2);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    expect(await engine.failure(await engine.client.run(flow, undefined))).toBeInstanceOf(DuplicateStepError);
  });
});

describe('a name that ends in half of an emoji', () => {
  const cut = 'balloon 🎈'.slice(0, -1);
  const child = workflow('child', () => undefined);

  it.each<[string, (ctx: WorkflowContext, count: () => void) => Promise<unknown>]>([
    ['run', (ctx, count) => ctx.step.run(cut, count)],
    ['waitFor', (ctx) => ctx.step.waitFor(cut, 1)],
    ['waitForEvent', (ctx) => ctx.step.waitForEvent(cut, { event: 'e', correlationKey: 'k' })],
    ['waitForAny', (ctx) => ctx.step.waitForAny('any', { [cut]: { for: 1 } })],
    ['runWorkflow', (ctx) => ctx.step.runWorkflow(cut, child, undefined)],
    ['emitWorkflow', (ctx) => ctx.step.emitWorkflow(cut, child, undefined)],
    ['emitEvent', (ctx) => ctx.step.emitEvent(cut, 'e', undefined)],
  ])('is refused before anything begins: %s', async (_kind, use) => {
    let calls = 0;
    const flow = workflow('flow', (ctx: WorkflowContext) => use(ctx, () => calls++), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await engine.failure(handle)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('half a surrogate pair'),
    });
    expect(calls).toBe(0);
    expect(await engine.client.getRunSteps(handle.id)).toEqual([]);
    expect((await engine.client.listRuns({ workflow: 'child' })).items).toEqual([]);
  });
});

describe('a name that changed its kind', () => {
  it.each<[string, string, (ctx: WorkflowContext) => Promise<unknown>, (ctx: WorkflowContext) => Promise<unknown>]>([
    ['run', 'sleep', (ctx) => ctx.step.run('one', () => 1), (ctx) => ctx.step.waitFor('one', '1h')],
    ['sleep', 'run', (ctx) => ctx.step.waitFor('one', 0), (ctx) => ctx.step.run('one', () => 1)],
  ])('from %s to %s is a StepMismatchError naming both', async (stored, called, before, after) => {
    const handler = async (ctx: WorkflowContext) => {
      await (ctx.run.attempt === 1 ? before(ctx) : after(ctx));
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(StepMismatchError);
    expect(error).toMatchObject({ runId: handle.id, step: 'one', stored, called });
    expect(error.message).toContain(`"${stored}"`);
    expect(error.message).toContain(`"${called}"`);
    expect((await handle.getState()).attempt).toBe(2);
  });
});
