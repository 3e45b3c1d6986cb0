import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { methodStepsOf } from '../../../lib/engine/framework.js';
import {
  NonRetriableError,
  RunCanceledError,
  RunTimeoutError,
  type StepContext,
  type StepOptions,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { packRuns } from '../../../lib/engine/redis/retention/pack-runs.js';
import { tellWorker } from '../../../lib/engine/test-bed/index.js';
import { blocked } from '../../support/blocked.js';
import { type Engine, gate, startEngine, workflow } from '../../support/engine.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

const HOUR_MS = 3_600_000;

/** What a `@Step()` method does: it sends something, and notes that it did. */
class Mail {
  readonly sent: string[] = [];

  send(ctx: WorkflowContext, args: readonly unknown[], options: StepOptions = {}, fail = false): Promise<string> {
    const send = ({ idempotencyKey }: StepContext) => {
      this.sent.push(`${String(args[0])} ${idempotencyKey.slice(idempotencyKey.indexOf(':') + 1)}`);
      if (fail) throw new Error('no');
      return `sent ${String(args[0])}`;
    };
    return methodStepsOf(ctx).runMethod('Mail.send', args, send, options);
  }
}

type Calls = ReadonlyArray<readonly unknown[]>;

/** A run that sends, sleeps, and sends again; `deploy` changes to whom while it sleeps. */
async function sleeping(early: Calls, late: Calls = [], options: StepOptions = {}) {
  const mail = new Mail();
  const calls = { early, late };
  const flow = workflow(
    'flow',
    async (ctx: WorkflowContext) => {
      const results: string[] = [];
      for (const args of calls.early) results.push(await mail.send(ctx, args, options));
      await ctx.step.waitFor('pause', '1h');
      for (const args of calls.late) results.push(await mail.send(ctx, args, options));
      return results;
    },
    { maxAttempts: 3, retries: { delay: 0 } },
  );
  const engine = await startEngine({ workflows: [flow] });
  const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
  await engine.until('r1', 'waiting');
  const deploy = async (changed: Partial<typeof calls>): Promise<void> => {
    Object.assign(calls, changed);
    await engine.advance(HOUR_MS);
  };
  return { engine, handle, mail, deploy };
}

/** What lies in Redis before the times of a step. */
async function headOf(engine: Engine, step: string): Promise<string[]> {
  const record = (await engine.redis.hget(engine.key('data:r1'), `s:${step}`)) ?? '';
  return record.slice(0, record.indexOf(';')).split(',').slice(0, -2);
}

const digestOf = (json: string) => createHash('sha1').update(json).digest().subarray(0, 8).toString('base64url');

const stepNames = async ({ client }: Engine, runId = 'r1') => (await client.getRunSteps(runId)).map(({ name }) => name);

describe('calls of a @Step() method', () => {
  it('are numbered from the second on, in each pass alike', async () => {
    const { engine, handle, mail, deploy } = await sleeping([['a'], ['b']], [['a']]);
    await deploy({});
    expect(await handle.result()).toEqual(['sent a', 'sent b', 'sent a']);
    expect(mail.sent).toEqual(['a Mail.send', 'b Mail.send#2', 'a Mail.send#3']);
    expect(await stepNames(engine)).toEqual(['Mail.send', 'Mail.send#2', 'pause', 'Mail.send#3']);
  });

  it('keep 8 bytes of the SHA-1 of the canonical JSON of their arguments, and other steps nothing', async () => {
    const flow = workflow('flow', async (ctx) => {
      const mail = new Mail();
      await ctx.step.run('plain', () => 1);
      await mail.send(ctx, ['a', { b: 1, a: [undefined] }]);
      await mail.send(ctx, [ctx, ctx.logger, ctx.run]);
      await mail.send(ctx, [() => 1]);
    });
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined, { runId: 'r1' })).result();
    expect(await headOf(engine, 'plain')).toEqual(['r', 's', '1', '1', '0@0']);
    expect(await headOf(engine, 'Mail.send')).toEqual(['r', 's', '2', '1', '0@1', digestOf('["a",{"a":[null],"b":1}]')]);
    expect(await headOf(engine, 'Mail.send#2')).toEqual(['r', 's', '3', '1', '0@2', digestOf('[null,null,null]')]);
    expect(await headOf(engine, 'Mail.send#3')).toEqual(['r', 's', '4', '1', '0@3']);
  });

  it('get no result that was stored under other arguments, and run nothing', async () => {
    const { engine, handle, mail, deploy } = await sleeping([['a'], ['b']]);
    await deploy({ early: [['b'], ['a']] });
    const run = await blocked(engine, handle.id);
    expect(run.blocked).toMatchObject({ missing: ['Mail.send'], message: expect.stringContaining('with other arguments') });
    expect(run.attempt).toBe(1);
    expect(mail.sent).toHaveLength(2);
  });

  it('are compared with the second one, too', async () => {
    const { engine, handle, mail, deploy } = await sleeping([['a'], ['b']]);
    await deploy({ early: [['a'], ['c']] });
    expect((await blocked(engine, handle.id)).blocked?.missing).toEqual(['Mail.send#2']);
    expect(mail.sent).toHaveLength(2);
  });

  it('do not run a second time where the first was replayed under other arguments', async () => {
    const { engine, handle, mail, deploy } = await sleeping([['a']]);
    await deploy({ early: [['b'], ['a']] });
    expect((await blocked(engine, handle.id)).blocked).toMatchObject({ step: 'Mail.send#2', missing: ['pause'] });
    expect(mail.sent).toEqual(['a Mail.send']);
  });

  it('may have other arguments on replay where there is one in the run', async () => {
    const { handle, mail, deploy } = await sleeping([[1]]);
    await deploy({ early: [[2]] });
    expect(await handle.result()).toEqual(['sent 1']);
    expect(mail.sent).toHaveLength(1);
  });

  it('are not compared where the arguments have no JSON', async () => {
    const { handle, deploy } = await sleeping([['a', new Map()], ['b']]);
    await deploy({ early: [['c', new Map()], ['b']] });
    expect(await handle.result()).toEqual(['sent a', 'sent b']);
  });

  it('do not run again under other arguments after they have failed', async () => {
    const mail = new Mail();
    let order = ['a', 'b'];
    const flow = workflow(
      'flow',
      async (ctx) => {
        const all = order.map((to) => mail.send(ctx, [to], {}, to === 'a'));
        const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected') as PromiseRejectedResult;
        order = ['b', 'a'];
        throw failed.reason;
      },
      { maxAttempts: 3, retries: { delay: 0 } },
    );
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect((await blocked(engine, handle.id)).blocked?.missing).toEqual(['Mail.send']);
    expect([...new Set(mail.sent)]).toEqual(['a Mail.send', 'b Mail.send#2']);
  });

  it('get no failure that was stored under other arguments', async () => {
    const mail = new Mail();
    let failing = ['a', 'b'];
    const flow = workflow('flow', async (ctx) => {
      const caught: string[] = [];
      for (const to of failing) await mail.send(ctx, [to], {}, true).catch(({ name }: Error) => caught.push(name));
      await ctx.step.waitFor('pause', '1h');
      return caught;
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
    await engine.until('r1', 'waiting');
    expect(await headOf(engine, 'Mail.send')).toEqual(['r', 'f', '1', '1', '0@0', digestOf('["a"]')]);
    failing = ['b', 'a'];
    await engine.advance(HOUR_MS);
    expect((await blocked(engine, handle.id)).blocked?.missing).toEqual(['Mail.send']);
    expect(mail.sent).toEqual(['a Mail.send', 'b Mail.send#2']);
  });

  it('keep the digest where a failure that was caught before fails the attempt after a replay', async () => {
    const mail = new Mail();
    const flow = workflow(
      'flow',
      async (ctx) => {
        const error: unknown = await mail.send(ctx, ['a'], {}, true).catch((failure: unknown) => failure);
        await ctx.step.waitFor('pause', '1h');
        throw error;
      },
      { retries: { delay: '1h' } },
    );
    const engine = await startEngine({ workflows: [flow] });
    await engine.client.run(flow, undefined, { runId: 'r1' });
    await engine.until('r1', 'waiting');
    await engine.advance(HOUR_MS);
    const reopened = ['r', 'x', '0', '1', '0@0', digestOf('["a"]')];
    await eventually(async () => expect(await headOf(engine, 'Mail.send')).toEqual(reopened), 'the step is to run again');
  });

  it('are undone one by one, also where the run was blocked over other arguments', async () => {
    const undone: string[] = [];
    const options: StepOptions = {
      compensate: (output, { stepIdempotencyKey }) => {
        undone.push(`${String(output)} ${stepIdempotencyKey}`);
      },
    };
    const { engine, handle, deploy } = await sleeping([['a'], ['b']], [], options);
    await deploy({ early: [['b'], ['a']] });
    await blocked(engine, handle.id);
    await handle.cancel();
    await engine.until(handle.id, 'canceled');
    expect(undone).toEqual(['sent b r1:Mail.send#2', 'sent a r1:Mail.send']);
    expect(await handle.getState()).not.toHaveProperty('compensationErrors');
    expect(await stepNames(engine)).toEqual(expect.arrayContaining(['compensate:Mail.send', 'compensate:Mail.send#2']));
  });

  it('know their arguments in a run that was packed and is retried', async () => {
    const mail = new Mail();
    let isRight = true;
    const flow = workflow('flow', async (ctx) => {
      await mail.send(ctx, ['a']);
      await mail.send(ctx, [isRight ? 'b' : 'c']);
      if (mail.sent.length === 2 && ctx.run.attempt === 1) throw new NonRetriableError('not yet');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
    expect(await engine.failure(handle)).toMatchObject({ message: 'not yet' });
    await openEngineRoom({ prefix: engine.prefix }).send(packRuns(10));
    expect(await engine.redis.exists(engine.key('data:r1'))).toBe(0);
    isRight = false;
    await engine.client.retryRun('r1');
    expect((await blocked(engine, 'r1')).blocked?.missing).toEqual(['Mail.send#2']);
    expect(mail.sent).toHaveLength(2);
  });

  it('are plain inside the function of a step, and do not count', async () => {
    const mail = new Mail();
    const flow = workflow('flow', async (ctx) => {
      await ctx.step.run('outer', () => mail.send(ctx, ['a']));
      return mail.send(ctx, ['b']);
    });
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined, { runId: 'r1' })).result()).toBe('sent b');
    expect(mail.sent).toEqual(['a outer', 'b Mail.send']);
    expect(await stepNames(engine)).toEqual(['outer', 'Mail.send']);
  });

  it('share their names with no other step', async () => {
    const flow = workflow('flow', async (ctx) => {
      await ctx.step.run('Mail.send', () => 1);
      await new Mail().send(ctx, ['a']);
    });
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined));
    expect(error).toMatchObject({ code: 'DUPLICATE_STEP', step: 'Mail.send' });
  });
});

describe('a run that is to be blocked while a function is in flight', () => {
  /** The function runs in the second attempt, and takes no notice of its signal; meanwhile the handler comes to other arguments. */
  async function blocking(options: WorkflowOptions = {}, cancelGraceMs = 50) {
    const mail = new Mail();
    const calls = [gate(), gate()];
    const sent = gate();
    const settled = gate();
    let signal: AbortSignal | undefined;
    let attempts = 0;
    const slow = async (step: StepContext) => {
      calls[attempts - 1].open();
      if (attempts === 1) {
        await sent.promise;
        throw new Error('not yet');
      }
      signal = step.signal;
      await settled.promise;
    };
    const flow = workflow(
      'flow',
      async (ctx) => {
        const call = calls[attempts++];
        const running = ctx.step.run('slow', slow);
        await call.promise;
        for (const to of attempts === 1 ? ['a', 'b'] : ['b', 'a']) await mail.send(ctx, [to]);
        sent.open();
        await running;
      },
      { maxAttempts: 2, retries: { delay: 0 }, ...options },
    );
    const engine = await startEngine({ workflows: [flow], worker: { cancelGraceMs } });
    const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
    await calls[1].promise;
    return { engine, handle, settled, reason: () => signal?.reason as unknown };
  }

  it('is blocked once that has settled', async () => {
    const { engine, settled } = await blocking();
    settled.open();
    expect((await blocked(engine, 'r1')).blocked?.missing).toEqual(['Mail.send']);
    expect(await headOf(engine, 'slow')).toEqual(['r', 's', '3', '2', '1@0']);
  });

  it('fails at its deadline all the same', async () => {
    const { engine, handle, reason } = await blocking({ timeout: '1h' });
    await engine.advance(HOUR_MS);
    tellWorker(engine.worker, await engine.now());
    expect(await engine.failure(handle)).toBeInstanceOf(RunTimeoutError);
    expect(reason()).toBeInstanceOf(RunTimeoutError);
  });

  it('can be canceled, and ends after the grace of that', async () => {
    const { engine, handle, reason } = await blocking();
    await handle.cancel({ reason: 'enough' });
    await engine.until('r1', 'canceled');
    expect(reason()).toBeInstanceOf(RunCanceledError);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
  });

  it('ends canceled where the function settles in that grace', async () => {
    const { engine, handle, settled, reason } = await blocking({}, 60_000);
    await handle.cancel();
    await eventually(() => reason() !== undefined);
    settled.open();
    await engine.until('r1', 'canceled');
    expect(await headOf(engine, 'slow')).toEqual(['r', 's', '3', '2', '1@0']);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
  });
});
