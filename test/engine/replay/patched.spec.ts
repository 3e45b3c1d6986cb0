import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineWorkflow,
  type FailureContext,
  type Handler,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { type Engine, gate, startEngine, workflow } from '../../support/engine.js';
import { perPass } from '../../support/passes.js';

const child = workflow('child', () => 'child');

/** Runs begin under the old code, which must leave them waiting, and go on under the new one. */
async function redeployed(
  old: Handler<unknown, unknown>,
  next: Handler<unknown, unknown>,
  options: WorkflowOptions = {},
): Promise<{ engine: Engine; runId: string; result(): Promise<unknown> }> {
  const engine = await startEngine({ workflows: [workflow('flow', old, options), child] });
  const handle = await engine.client.runByName('flow', undefined);
  await engine.until(handle.id, 'waiting');
  await engine.worker.stop();
  await engine.startWorker({ workflows: [workflow('flow', next, options), child] });
  return { engine, runId: handle.id, result: () => handle.result() };
}

const resume = async ({ engine }: { engine: Engine }) =>
  void (await engine.client.emitEvent('go', null, { correlationKey: 'k' }));
const parked = (ctx: WorkflowContext) => ctx.step.waitForEvent('parked', { event: 'go', correlationKey: 'k' });

describe('ctx.patched()', () => {
  it('is true in a run that begins under the changed code, on every pass', async () => {
    const answers: boolean[] = [];
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('before', () => 1);
      answers.push(await ctx.patched('fraud-check'));
      await ctx.step.run('after', () => 2);
      await ctx.step.waitFor('nap', 5);
      return ctx.patched('fraud-check');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe(true);
    expect(new Set(answers)).toEqual(new Set([true]));
    expect(await handle.getState()).toMatchObject({ patches: { 'fraud-check': true } });
  });

  it('is false in a run that has come further under the old code, and stays so', async () => {
    const answers: boolean[] = [];
    const run = await redeployed(
      async (ctx) => {
        await ctx.step.run('charge', () => 1);
        await parked(ctx);
      },
      async (ctx) => {
        answers.push(await ctx.patched('fraud-check'));
        if (answers.at(-1)) await ctx.step.run('check', () => 0);
        await ctx.step.run('charge', () => 2);
        await parked(ctx);
        await ctx.step.waitFor('nap', 5);
        return ctx.patched('fraud-check');
      },
    );
    await resume(run);
    expect(await run.result()).toBe(false);
    expect(new Set(answers)).toEqual(new Set([false]));
    expect((await run.engine.client.getRun(run.runId))?.patches).toEqual({ 'fraud-check': false });
    expect((await run.engine.client.getRunSteps(run.runId)).map(({ name }) => name)).toEqual(['charge', 'parked', 'nap']);
  });

  it('is true in a run of the old code that has not come to the change', async () => {
    const run = await redeployed(
      async (ctx) => {
        await ctx.step.run('charge', () => 1);
        await parked(ctx);
      },
      async (ctx) => {
        await ctx.step.run('charge', () => 1);
        await parked(ctx);
        return ctx.patched('fraud-check');
      },
    );
    await resume(run);
    expect(await run.result()).toBe(true);
  });

  it.each<[string, (ctx: WorkflowContext) => Promise<unknown>]>([
    ['a sleep that has not ended', (ctx) => ctx.step.waitFor('it', 1_000_000)],
    ['a wait for an event', (ctx) => ctx.step.waitForEvent('it', { event: 'never', correlationKey: 'k' })],
    ['a wait for the first of several', (ctx) => ctx.step.waitForAny('it', { late: { for: 1_000_000 } })],
    ['a child', (ctx) => ctx.step.runWorkflow('it', 'child', null)],
    ['a child that was emitted', (ctx) => ctx.step.emitWorkflow('it', 'child', null)],
    ['an event that was emitted', (ctx) => ctx.step.emitEvent('it', 'news', null)],
    ['a step that waits for its next attempt', (ctx) => ctx.step.run('it', refuse, { retries: { maxAttempts: 2, delay: '1h' } })],
    ['a step that has failed, and is to be run again', (ctx) => ctx.step.run('it', refuse)],
  ])('counts %s as something that the run has done', async (_, it) => {
    const seen = gate<boolean>();
    const run = await redeployed(
      async (ctx) => {
        await Promise.all([it(ctx), parked(ctx)]);
      },
      async (ctx) => {
        const waiting = parked(ctx);
        seen.open(await ctx.patched('change'));
        await waiting;
      },
      { retries: { maxAttempts: 2, delay: '1h' } },
    );
    await resume(run);
    // Of the failed attempt nothing but its backoff ends the rest.
    await run.engine.advance(3_600_000);
    expect(await seen.promise).toBe(false);
  });

  it('counts a step that was begun when its worker died', async () => {
    const begun = gate();
    const compensate = () => undefined;
    const old = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('charge', () => hang(begun), { compensate });
    });
    const next = workflow('flow', async (ctx: WorkflowContext) => {
      const answer = await ctx.patched('change');
      await ctx.step.run('charge', () => 1, { compensate });
      return answer;
    });
    const engine = await startEngine({ workflows: [old] });
    const handle = await engine.client.run(old, undefined);
    await begun.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker({ workflows: [next] });
    expect(await handle.result()).toBe(false);
  });

  it('is true behind steps of a pass that was cut while they ran side by side', async () => {
    const isCut = gate();
    const old = workflow('flow', async (ctx: WorkflowContext) => {
      await Promise.all([ctx.step.run('a', () => 1), ctx.step.run('b', () => hang(isCut))]);
    });
    const next = workflow('flow', async (ctx: WorkflowContext) => {
      await Promise.all([ctx.step.run('a', () => 1), ctx.step.run('b', () => 2)]);
      return ctx.patched('change');
    });
    const engine = await startEngine({ workflows: [old] });
    const handle = await engine.client.run(old, undefined);
    await isCut.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker({ workflows: [next] });
    expect(await handle.result()).toBe(true);
  });

  it('answers parallel branches and the passes of a loop alike, whoever asks first', async () => {
    const run = await redeployed(
      async (ctx) => {
        await ctx.step.run('late', () => 1);
        await parked(ctx);
      },
      async (ctx) => {
        const early = ctx.patched('change');
        await ctx.step.run('late', () => 1);
        await parked(ctx);
        const branches = await Promise.all([1, 2].map(() => ctx.patched('change')));
        return [await early, ...branches, await ctx.patched('another')];
      },
    );
    await resume(run);
    expect(await run.result()).toEqual([false, false, false, true]);
  });

  it('holds for later attempts and for retryRun()', async () => {
    let isBroken = true;
    const answers: boolean[] = [];
    const flow = workflow(
      'flow',
      async (ctx: WorkflowContext) => {
        // Later calls would be answered with false by what the record holds then.
        answers.push(await ctx.patched('change'));
        await ctx.step.run('work', () => 1);
        await ctx.step.run('flaky', () => isBroken && refuse());
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result().catch(() => undefined);
    isBroken = false;
    await engine.client.retryRun(handle.id);
    await handle.result();
    expect(perPass(answers).every((answer) => answer)).toBe(true);
    expect(answers.length).toBeGreaterThanOrEqual(3);
  });

  it('is stored, false too, before anything that the handler begins afterwards', async () => {
    const seen: Record<string, unknown> = {};
    const spy = defineWorkflow('spy', {
      registry: createRegistry(),
      handler: async (ctx: WorkflowContext<string>) => {
        seen[ctx.input] = (await engine.client.getRun(ctx.run.parentRunId as string))?.patches;
      },
    });
    const look = async (ctx: WorkflowContext, what: string) => {
      seen[what] = (await engine.client.getRun(ctx.run.id))?.patches;
    };
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.patched('first');
      await ctx.step.run('step', () => look(ctx, 'step'));
      await ctx.patched('second');
      await ctx.step.runWorkflow('child', spy, 'child');
      await ctx.patched('third');
      await ctx.step.run('undoable', () => look(ctx, 'undoable'), { compensate: () => undefined });
    });
    const engine = await startEngine({ workflows: [flow, spy] });
    await (await engine.client.run(flow, undefined)).result();
    expect(seen).toEqual({
      step: { first: true },
      child: { first: true, second: true },
      undoable: { first: true, second: true, third: true },
    });
  });

  it('is, while a run is compensated, what is stored, else false', async () => {
    const answers: unknown[] = [];
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.patched('asked');
      const compensate = async () => void answers.push(await ctx.patched('asked'), await ctx.patched('new'));
      await ctx.step.run('charge', () => 1, { compensate });
      try {
        await ctx.step.run('ship', refuse);
      } finally {
        if ((await ctx.patched('asked')) && !(await ctx.patched('never seen before')) && ctx.signal.aborted)
          answers.push('replayed');
      }
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined, { maxAttempts: 1 });
    const run = await engine.until(handle.id, 'failed');
    expect(run.compensationErrors).toBeUndefined();
    expect(answers).toContainEqual(true);
    expect(answers.slice(-2)).toEqual([true, false]);
    expect(run.patches).toEqual({ asked: true, 'never seen before': true });
  });

  it('gives the failure hook what the run was answered, else what the hook has done', async () => {
    const answers: boolean[] = [];
    const onFailure = async ({ patched, step }: FailureContext) => {
      answers.push(await patched('of the run'), await patched('of the hook'));
      await step.run('tell', () => 1);
      await step.waitFor('nap', 1);
    };
    const old: Handler<unknown, unknown> = async (ctx) => {
      await ctx.step.run('charge', () => 1);
      await parked(ctx);
    };
    const engine = await startEngine({ workflows: [workflow('flow', old)] });
    const handle = await engine.client.runByName('flow', undefined, { maxAttempts: 1 });
    await engine.until(handle.id, 'waiting');
    await engine.worker.stop();
    const handler: Handler<unknown, unknown> = async (ctx) => {
      await ctx.patched('of the run');
      throw new Error('no');
    };
    await engine.startWorker({ workflows: [defineWorkflow('flow', { handler, onFailure, registry: createRegistry() })] });
    await resume({ engine });
    const failed = await engine.hookEnded(handle.id);
    expect(failed).toMatchObject({ failureHook: { status: 'succeeded' }, patches: { 'of the run': false } });
    expect(new Set(answers.map(String))).toEqual(new Set(['false', 'true']));
    expect(answers.filter((_, index) => index % 2 === 0)).not.toContain(true);
    expect(answers.filter((_, index) => index % 2 === 1)).not.toContain(false);
  });

  it('is refused inside a step, whose function is not replayed', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('outer', () => ctx.patched('change')));
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined));
    expect(error).toMatchObject({ name: 'NestedStepError', message: expect.stringContaining('ctx.patched()') });
  });

  it.each([
    ['', "''"],
    ['x'.repeat(513), "'xxx"],
    [7, '7'],
  ])('refuses the id %p', async (id, described) => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.patched(id as string));
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined, { maxAttempts: 1 }));
    expect(error.name).toBe('InvalidOptionError');
    expect(error.message).toContain(`Expected the patch id to be a string of 1 to 512 characters; got ${described}`);
  });

  it('leaves nothing on runs that do not ask', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('work', () => 1));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(await handle.getState()).not.toHaveProperty('patches');
  });
});

describe('runInline()', () => {
  const flow = workflow('flow', async (ctx: WorkflowContext) => {
    await ctx.step.run('first', () => 1);
    const answer = await ctx.patched('change');
    await ctx.step.waitFor('nap', '1h');
    return [answer, await ctx.patched('change')];
  });

  it('answers true, as in a new run', async () => {
    const result = await runInline(flow, { input: undefined });
    expect(result).toMatchObject({ output: [true, true], run: { patches: { change: true } } });
  });

  it('takes the path of older runs when told to', async () => {
    const result = await runInline(flow, { input: undefined, patches: { change: false } });
    expect(result.output).toEqual([false, false]);
  });

  it('refuses other answers', async () => {
    await expect(runInline(flow, { input: undefined, patches: { change: 'no' as never } })).rejects.toThrow(
      `Expected the answer to patch "change" to be true or false; got 'no'`,
    );
    await expect(runInline(flow, { input: undefined, patches: ['change'] as never })).rejects.toThrow(
      'Expected `patches` to be an object of answers by patch id; got an array',
    );
  });
});

/** Says that it was called, and never settles. */
function hang(called: { open(): void }): Promise<never> {
  called.open();
  return new Promise(() => undefined);
}

function refuse(): never {
  throw new Error('no');
}
