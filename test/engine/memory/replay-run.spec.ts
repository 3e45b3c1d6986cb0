import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { methodStepsOf } from '../../../lib/engine/framework.js';
import {
  createRegistry,
  defineWorkflow,
  type ExportedRun,
  type Handler,
  type RunInterceptor,
  type RunStatus,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type ReplayOptions, type ReplayResult, replayRun } from '../../../lib/testing/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { CASES } from '../../support/workflow-cases.js';

const FAST: ReplayOptions = { grace: 20 };
const other = workflow('other', () => 'other');

/** A run of a handler, exported when it has this status, as it comes back from a file. */
async function exported(
  handler: Handler<never, unknown>,
  { status = ['succeeded', 'failed', 'canceled'], ...options }: { status?: RunStatus[]; input?: unknown } & WorkflowOptions = {},
  cancels = false,
): Promise<ExportedRun> {
  const { input, ...rest } = options as { input?: unknown };
  const flow = workflow('flow', handler as Handler<unknown, unknown>, rest);
  const engine = await startEngine({ workflows: [flow, other] });
  const handle = await engine.client.run(flow, input);
  if (cancels) {
    await engine.until(handle.id, 'waiting');
    await handle.cancel();
  }
  await engine.until(handle.id, ...status);
  return JSON.parse(JSON.stringify(await engine.client.exportRun(handle.id)));
}

const replay = (handler: Handler<never, unknown>, run: ExportedRun, options: WorkflowOptions = {}): Promise<ReplayResult> =>
  replayRun(workflow('flow', handler as Handler<unknown, unknown>, options), run, FAST);

const told = ({ departures }: ReplayResult) =>
  departures.map(({ kind, step, insteadOf }) => [kind, step, insteadOf].filter(Boolean));

/** Steps by name, one after the other. */
const sequence =
  (...names: string[]): Handler<never, unknown> =>
  async (ctx) => {
    for (const name of names) await ctx.step.run(name, () => name);
    return 'done';
  };

describe('the interceptors of replayRun()', () => {
  it('are around the pass, with the headers that the run was created with', async () => {
    const tenants = new AsyncLocalStorage<unknown>();
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run(`charge-${tenants.getStore()}`, () => 1));
    const interceptors: RunInterceptor[] = [
      {
        create: ({ headers }, next) => {
          headers.tenant = 'acme';
          return next();
        },
        pass: ({ headers }, next) => tenants.run(headers.tenant, next),
      },
    ];
    const engine = await startEngine({ workflows: [flow], client: { interceptors }, worker: { interceptors } });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    const run = JSON.parse(JSON.stringify(await engine.client.exportRun(handle.id)));
    expect(await replayRun(flow, run, { ...FAST, interceptors })).toMatchObject({ departures: [], asked: ['charge-acme'] });
    expect((await replayRun(flow, run, FAST)).status).toBe('departed');
  });
});

describe('replayRun()', () => {
  for (const [name, { handler, options, input, others = [] }] of Object.entries(CASES)) {
    it(`finds that unchanged code does the same: ${name}`, async () => {
      const { onFailure, ...rest } = options ?? {};
      const subject = defineWorkflow('subject', { ...rest, handler, onFailure, registry: createRegistry() });
      const engine = await startEngine({ workflows: [subject, ...others] });
      const handle = await engine.client.run(subject, input);
      await handle.result({ timeoutMs: 60_000 }).catch(() => undefined);
      const run = JSON.parse(JSON.stringify(await engine.client.exportRun(handle.id)));
      const result = await replayRun(subject, run, FAST);
      expect(result.departures).toEqual([]);
      expect(result.status).toBe('same');
    });
  }

  it('executes no function of a step', async () => {
    const calls: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => calls.push('a'), { compensate: () => calls.push('undo') });
      await ctx.step.run('b', () => calls.push('b'));
    };
    const run = await exported(handler);
    calls.length = 0;
    const result = await replay(async (ctx: WorkflowContext) => {
      await handler(ctx);
      await ctx.step.run('new', () => calls.push('new'));
      await ctx.step.emitEvent('emit', 'news', null);
    }, run);
    expect(calls).toEqual([]);
    expect(result).toMatchObject({ status: 'departed', reached: 'waiting', asked: ['a', 'b', 'new'] });
  });

  it.each<[string, (ctx: WorkflowContext) => Promise<unknown>, RunStatus]>([
    ['a sleep', (ctx) => ctx.step.waitFor('it', '1h'), 'waiting'],
    ['a wait for an event', (ctx) => ctx.step.waitForEvent('it', { event: 'e', correlationKey: 'k', timeout: '1h' }), 'waiting'],
    ['the first of several', (ctx) => ctx.step.waitForAny('it', { late: { for: '1h' } }), 'waiting'],
    ['a child', (ctx) => ctx.step.runWorkflow('it', other, null, { runAt: '1h' }), 'waiting'],
    ['the next attempt of a step', (ctx) => ctx.step.run('it', fail, { retries: { maxAttempts: 2, delay: '1h' } }), 'waiting'],
    ['its next attempt', (ctx) => ctx.step.run('it', fail), 'waiting'],
  ])('replays a run that waits for %s as far as it has come', async (_, it, status) => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('before', () => 1);
      await it(ctx);
      await ctx.step.run('after', () => 2);
    };
    const options = { retries: { maxAttempts: 2, delay: '1h' } };
    const run = await exported(handler, { status: [status], ...options });
    const result = await replay(handler, run, options);
    expect(result).toMatchObject({ departures: [], reached: 'waiting', asked: ['before', 'it'] });
  });

  it('replays a run that was canceled as far as it had come', async () => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('before', () => 1);
      await ctx.step.waitFor('nap', '1h');
    };
    const run = await exported(handler, {}, true);
    expect(run.run.status).toBe('canceled');
    expect((await replay(handler, run)).departures).toEqual([]);
    expect(told(await replay(sequence('renamed'), run))).toEqual([['new', 'renamed', ['before']]]);
  });

  it('replays a run that begins', async () => {
    const run = await exported(sequence('a'));
    const unstarted: ExportedRun = { ...run, run: { ...run.run, status: 'queued' }, steps: [] };
    expect(await replay(sequence('a'), unstarted)).toMatchObject({ departures: [], reached: 'waiting' });
  });

  it.each<[string, string[], Array<Array<string | string[]>>]>([
    ['a renamed step', ['a', 'B', 'c'], [['new', 'B', ['b']]]],
    ['an added step', ['a', 'new', 'b', 'c'], [['new', 'new', ['b']]]],
    ['a step that was added at the end', ['a', 'b', 'c', 'd'], [['new', 'd']]],
    ['a removed step', ['a', 'c'], [['missing', 'b']]],
    ['a step that was removed at the end', ['a', 'b'], [['missing', 'c']]],
    ['reordered steps', ['b', 'a', 'c'], [['order', 'a']]],
  ])('tells of %s', async (_, names, departures) => {
    const run = await exported(sequence('a', 'b', 'c'));
    expect(told(await replay(sequence(...names), run))).toEqual(departures);
  });

  it('says which departures would stop a run that is under way', async () => {
    const run = await exported(sequence('a', 'b', 'c'));
    const blocks = async (...names: string[]) => (await replay(sequence(...names), run)).departures.map((one) => one.blocks);
    expect(await blocks('a', 'B', 'c')).toEqual([true]);
    expect(await blocks('a', 'c')).toEqual([true]);
    expect(await blocks('b', 'a', 'c')).toEqual([true]);
    expect(await blocks('a', 'b')).toEqual([false]);
    expect(await blocks('a', 'b', 'c', 'd')).toEqual([false]);
  });

  it('tells of a step of another kind', async () => {
    const run = await exported(sequence('a', 'b'));
    const result = await replay(async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => 1);
      await ctx.step.waitFor('b', 1);
    }, run);
    expect(result.departures).toEqual([
      {
        kind: 'kind',
        step: 'b',
        blocks: true,
        message: 'Step "b" is recorded as run, and the handler asks for it as sleep.',
      },
    ]);
  });

  it('tells of a numbered call with other arguments', async () => {
    const mails =
      (...addresses: string[]): Handler<never, unknown> =>
      async (ctx) => {
        for (const to of addresses) await methodStepsOf(ctx).runMethod('Mail.send', [to], () => to, {});
        return 'done';
      };
    const run = await exported(mails('ada', 'bob'));
    expect(told(await replay(mails('ada', 'bob'), run))).toEqual([]);
    expect(told(await replay(mails('bob', 'ada'), run))).toEqual([['arguments', 'Mail.send']]);
    expect(told(await replay(mails('ada', 'bob', 'eve'), run))).toEqual([['new', 'Mail.send#3']]);
  });

  it('tells of steps in parallel that are renamed or removed', async () => {
    const parallel =
      (...names: string[]): Handler<never, unknown> =>
      async (ctx) => {
        await ctx.step.run('first', () => 0);
        await Promise.all(names.map((name) => ctx.step.run(name, () => name)));
        await ctx.step.run('last', () => 1);
        return 'done';
      };
    const run = await exported(parallel('a', 'b', 'c'));
    expect(told(await replay(parallel('c', 'a', 'b'), run))).toEqual([]);
    expect(told(await replay(parallel('a', 'B', 'c'), run))).toEqual([['new', 'B', ['b']]]);
    expect(told(await replay(parallel('a', 'c'), run))).toEqual([['missing', 'b']]);
  });

  it('tells of another outcome', async () => {
    const run = await exported(sequence('a'));
    const result = await replay(async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => 1);
      return 'something else';
    }, run);
    expect(result).toMatchObject({ reached: 'succeeded', output: 'something else' });
    expect(result.departures.map(({ message }) => message)).toEqual([
      'The run succeeded, and the handler succeeds with another output.',
    ]);
    const failing = await replay(async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => 1);
      throw new RangeError('too far');
    }, run);
    expect(failing).toMatchObject({ reached: 'failed', error: { name: 'RangeError' } });
    expect(failing.departures.map(({ message }) => message)).toEqual([
      'The run succeeded, and the handler fails with RangeError: too far.',
    ]);
  });

  it('tells where the code of a run that failed goes on', async () => {
    const run = await exported(
      async (ctx: WorkflowContext) => {
        await ctx.step.run('a', () => 1);
        throw new Error('broken');
      },
      { maxAttempts: 1 },
    );
    expect(told(await replay(sequence('a', 'b'), run))).toEqual([['new', 'b']]);
    expect((await replay(sequence('a'), run)).departures.map(({ message }) => message)).toEqual([
      'The run failed with Error: broken, and the handler succeeds.',
    ]);
  });

  it('gives a handler time for a call that is no step before it says that a step is missing', async () => {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const handler = async (ctx: WorkflowContext) => {
      const slow = pause(50).then(() => ctx.step.run('slow', () => 1));
      await Promise.all([ctx.step.run('long', () => pause(300)), ctx.step.waitFor('nap', '1h'), slow]);
    };
    const run = await exported(handler, { status: ['waiting'] });
    const flow = workflow('flow', handler);
    expect(await replayRun(flow, run, { grace: '1m' })).toMatchObject({ departures: [], asked: ['long', 'nap', 'slow'] });
    expect(told(await replayRun(flow, run, { grace: 0 }))).toEqual([['missing', 'slow']]);
  });

  it('answers ctx.patched() as it was, and a change that the run never met with false', async () => {
    const handler = async (ctx: WorkflowContext) => {
      if (await ctx.patched('first')) await ctx.step.run('a', () => 1);
      await ctx.step.run('b', () => 2);
    };
    const run = await exported(handler);
    expect((await replay(handler, run)).departures).toEqual([]);
    const changed = await replay(async (ctx: WorkflowContext) => {
      await handler(ctx);
      if ((await ctx.patched('second')) || (await ctx.patched('second'))) await ctx.step.run('c', () => 3);
    }, run);
    expect(changed.departures).toEqual([]);
    const removed = await replay(sequence('a', 'b'), { ...run, run: { ...run.run, output: 'done' } });
    expect(removed.departures).toEqual([]);
  });

  it('makes allowance for a handler that looks at its attempt, and for what came after a failure that was not the last word', async () => {
    const looking = async (ctx: WorkflowContext) => {
      await ctx.step.run('a', () => 1);
      if (ctx.run.attempt === 1) await ctx.step.run('first', () => 2);
      await ctx.step.run('flaky', ({ attempt }) => (attempt === 1 ? fail() : 3));
    };
    const lookedAt = await exported(looking, { retries: { maxAttempts: 2, delay: 1 } });
    expect((await replay(looking, lookedAt)).departures).toEqual([]);
    const branching = async (ctx: WorkflowContext) => {
      let hasFailed = false;
      const flaky = ctx.step.run('flaky', ({ attempt }) => (attempt === 1 ? fail() : 1));
      flaky.catch(() => {
        hasFailed = true;
      });
      await ctx.step.waitFor('nap', 20);
      if (hasFailed) await ctx.step.run('note', () => 2).catch(() => undefined);
      await flaky;
    };
    const branched = await exported(branching, { retries: { maxAttempts: 2, delay: 1 } });
    expect((await replay(branching, branched)).departures).toEqual([]);
  });

  it('throws what it found, on demand', async () => {
    const run = await exported(sequence('a', 'b'));
    (await replay(sequence('a', 'b'), run)).throwIfDeparted();
    const departed = await replay(sequence('a', 'B'), run);
    expect(() => departed.throwIfDeparted()).toThrow(
      expect.objectContaining({
        name: 'ReplayDepartedError',
        code: 'REPLAY_DEPARTED',
        runId: run.run.id,
        message:
          `Workflow "flow" departs from its run "${run.run.id}":\n` +
          '  - The handler asks for step "B", which the run has not recorded, and not for "b", which it has.',
      }),
    );
  });

  it('refuses what is no export of the workflow, and says why', async () => {
    const run = await exported(sequence('a'));
    const flow = workflow('flow', sequence('a') as Handler<unknown, unknown>);
    const refusal = async (given: unknown, of = flow) => (await rejection(replayRun(of, given as ExportedRun))).message;
    expect(await refusal(JSON.stringify(run))).toContain('Expected `exported` to be the object; JSON.parse() the text first');
    expect(await refusal(null)).toBe('Expected `exported` to be a run as client.exportRun() gives it; got null');
    expect(await refusal({ ...run, format: 'redflow.run/9' })).toBe(
      "Expected `exported.format` to be 'redflow.run/1', which this version of the package reads; got 'redflow.run/9'",
    );
    expect(await refusal({ ...run, run: { ...run.run, status: 'done' } })).toContain(
      'Expected `exported.run.status` to be one of',
    );
    expect(await refusal({ ...run, steps: [{ ...run.steps[0], stored: 'x' }] })).toBe(
      "Expected `exported.steps[0].stored` to be as it was exported; got 'x'",
    );
    expect(
      await refusal(
        run,
        workflow('orders', () => 1),
      ),
    ).toBe(`Expected \`exported\` to be a run of workflow "orders", which is replayed; run "${run.run.id}" is one of "flow"`);
    const options = rejection(replayRun(flow, run, { graces: 1 } as ReplayOptions));
    expect((await options).message).toContain("Unsupported option 'graces' of replayRun()");
  });
});

function fail(): never {
  throw new Error('no');
}
