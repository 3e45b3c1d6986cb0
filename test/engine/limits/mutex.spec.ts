import { describe, expect, it } from '@jest/globals';
import {
  type CreateOptions,
  RunCanceledError,
  RunTimeoutError,
  type WorkerOptions,
  type WorkflowContext,
  type WorkflowDefinition,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type Engine, gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { gateKeys, mostAtOnce, spanOf, untilBlocked } from '../../support/gates.js';

interface Job {
  key: string;
  /** Whether the run does what the test is about, or just enters and leaves. */
  acts: boolean;
}

const HOUR_MS = 3_600_000;
const never = new Promise<never>(() => undefined);
const napping = workflow('napping', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '1h'));

interface Stage {
  engine: Engine;
  exclusive: WorkflowDefinition<Job, void>;
  /** What runs did, in order: +id for the first step of a run, -id for its last. */
  trace: string[];
  /** Runs that have begun to act. */
  acting: string[];
  /** A run that acts, of the key `k`. */
  act: (runId: string, options?: CreateOptions) => ReturnType<Engine['client']['run']>;
  /** One that only enters and leaves. */
  pass: (runId: string, options?: CreateOptions) => ReturnType<Engine['client']['run']>;
  blocked: (runId: string) => Promise<unknown>;
}

/** A workflow under a mutex whose runs enter, act if they are to, and leave; with a worker. */
async function stage(
  action: (ctx: WorkflowContext<Job>, trace: string[]) => unknown,
  options: WorkflowOptions<Job> & { undo?: (runId: string, trace: string[]) => Promise<void> } = {},
  worker: WorkerOptions = {},
): Promise<Stage> {
  const { undo, ...workflowOptions } = options;
  const trace: string[] = [];
  const acting: string[] = [];
  const exclusive = workflow(
    'exclusive',
    async (ctx: WorkflowContext<Job>) => {
      const { run, step, input } = ctx;
      const compensate = undo && (() => undo(run.id, trace));
      await step.run('enter', () => void trace.push(`+${run.id}`), { compensate });
      if (input.acts) acting.push(run.id);
      if (input.acts) await action(ctx, trace);
      await step.run('leave', () => void trace.push(`-${run.id}`));
    },
    { mutex: ({ key }) => key, ...workflowOptions },
  );
  const engine = await startEngine({ workflows: [exclusive, napping], worker: { queues: ['default', 'other'], ...worker } });
  const start = (acts: boolean) => (runId: string, given?: CreateOptions) =>
    engine.client.run(exclusive, { key: 'k', acts }, { runId, ...given });
  const blocked = (runId: string) => untilBlocked(engine, runId, 'mutex');
  return { engine, exclusive, trace, acting, act: start(true), pass: start(false), blocked };
}

/** Resolves once the signal is aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

describe('mutex', () => {
  it('never has two holders, over three workers, while other keys go on', async () => {
    const inside = new Map<string, string>();
    const violations: string[] = [];
    let most = 0;
    const exclusive = workflow(
      'exclusive',
      async (ctx: WorkflowContext<string>) => {
        const { run, step, input } = ctx;
        await step.run('enter', () => {
          if (inside.has(input)) violations.push(`${run.id} met ${inside.get(input)}`);
          inside.set(input, run.id);
          most = Math.max(most, inside.size);
        });
        await step.waitFor('nap', 5);
        await step.run('leave', () => {
          if (inside.get(input) !== run.id) violations.push(`${run.id} left after ${inside.get(input)}`);
          inside.delete(input);
        });
      },
      { mutex: (key) => key },
    );
    const engine = await startEngine({ workflows: [exclusive] });
    await engine.startWorker();
    await engine.startWorker();
    const keys = ['a', 'b', 'c'];
    const inputs = Array.from({ length: 60 }, (_, index) => ({ input: keys[index % keys.length] }));
    const handles = await engine.client.runMany(exclusive, inputs);
    await Promise.all(handles.map((handle) => handle.result()));
    expect(violations).toEqual([]);
    expect(most).toBeGreaterThan(1);
    const { items } = await engine.client.listRuns({ limit: 100 });
    for (const key of keys) expect(mostAtOnce(items.filter(({ input }) => input === key).map(spanOf))).toBe(1);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it.each<[what: string, action: (ctx: WorkflowContext<Job>) => unknown, goOn: (engine: Engine) => Promise<unknown>]>([
    ['a sleep', (ctx) => ctx.step.waitFor('nap', '1h'), (engine) => engine.advance(HOUR_MS)],
    [
      'the wait for an event',
      (ctx) => ctx.step.waitForEvent('news', { event: 'news', correlationKey: 'k' }),
      (engine) => engine.client.emitEvent('news', null, { correlationKey: 'k' }),
    ],
    ['the wait for a child', (ctx) => ctx.step.runWorkflow('child', napping, undefined), (engine) => engine.advance(HOUR_MS)],
    [
      'the backoff of a step',
      (ctx) =>
        ctx.step.run(
          'flaky',
          ({ attempt }) => {
            if (attempt === 1) throw new Error('no');
          },
          { retries: { maxAttempts: 2, delay: '1h' } },
        ),
      (engine) => engine.advance(HOUR_MS),
    ],
    [
      'the backoff of the run',
      (ctx) => {
        if (ctx.run.attempt === 1) throw new Error('no');
      },
      (engine) => engine.advance(HOUR_MS),
    ],
  ])('is kept through %s', async (_, action, goOn) => {
    const { engine, trace, act, pass, blocked } = await stage(action, { retries: { delay: '1h' } });
    const holder = await act('holder');
    await engine.until('holder', 'waiting');
    const next = await pass('next');
    await blocked('next');
    expect(trace).toEqual(['+holder']);
    await goOn(engine);
    await holder.result();
    await next.result();
    expect(trace).toEqual(['+holder', '-holder', '+next', '-next']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it.each<[after: string, action: (ctx: WorkflowContext<Job>) => unknown, end: (engine: Engine) => Promise<unknown>]>([
    [
      'a failure',
      async (ctx) => {
        await ctx.step.waitForEvent('end', { event: 'end', correlationKey: 'k' });
        throw new Error('no seat');
      },
      (engine) => engine.client.emitEvent('end', null, { correlationKey: 'k' }),
    ],
    ['a cancellation', (ctx) => ctx.step.waitFor('nap', '1h'), (engine) => engine.client.cancelRun('holder')],
    [
      'a cancellation in its handler',
      async (ctx) => {
        ctx.step.waitFor('nap', '1h').catch(() => undefined);
        await aborted(ctx.signal);
      },
      (engine) => engine.client.cancelRun('holder'),
    ],
  ])('is kept until the compensations after %s have run', async (_, action, end) => {
    const begun = gate();
    const allowed = gate();
    const { engine, trace, act, pass, blocked } = await stage(action, {
      maxAttempts: 1,
      undo: async (runId, undone) => {
        begun.open();
        await allowed.promise;
        undone.push(`undo ${runId}`);
      },
    });
    await act('holder');
    await eventually(() => trace.length === 1);
    const next = await pass('next');
    await blocked('next');
    await end(engine);
    await begun.promise;
    expect(await engine.client.getRun('holder')).toMatchObject({ status: 'running', compensating: true });
    expect(await next.getState()).toMatchObject({ status: 'queued', blockedBy: 'mutex' });
    allowed.open();
    await next.result();
    expect(trace).toEqual(['+holder', 'undo holder', '+next', '-next']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it.each<[end: string, action: (ctx: WorkflowContext<Job>) => unknown, error: unknown]>([
    ['a success', () => undefined, undefined],
    [
      'a failure',
      () => {
        throw new TypeError('no');
      },
      { name: 'TypeError' },
    ],
    ['the run timeout in a wait', (ctx) => ctx.step.waitFor('nap', '30d'), { name: RunTimeoutError.name }],
    ['the run timeout in the handler', () => never, { name: RunTimeoutError.name }],
  ])('is released by %s', async (end, action, error) => {
    const opened = gate();
    const timeout = end === 'the run timeout in the handler' ? 500 : '1h';
    const { engine, trace, act, pass, blocked } = await stage(
      async (ctx) => {
        await opened.promise;
        await action(ctx);
      },
      { maxAttempts: 1, timeout },
    );
    await act('holder');
    await engine.until('holder', 'running');
    const next = await pass('next');
    if (timeout === '1h') await blocked('next');
    opened.open();
    if (end === 'the run timeout in a wait') {
      await engine.until('holder', 'waiting');
      await engine.advance(HOUR_MS);
    }
    const { error: stored } = await engine.until('holder', 'succeeded', 'failed');
    if (error) expect(stored).toMatchObject(error);
    else expect(stored).toBeUndefined();
    await next.result();
    expect(trace.slice(-2)).toEqual(['+next', '-next']);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

/** Brings the run `victim` into a state, with `next` behind it. Returns what is to happen after its cancellation. */
type Arrange = (stage: Stage, opened: { open(): void }) => Promise<() => Promise<unknown>>;

async function behind(stage: Stage): Promise<() => Promise<void>> {
  await stage.pass('next');
  await stage.blocked('next');
  return async () => undefined;
}

const STATES: Array<[state: string, status: string, action: 'sleep' | 'throw' | 'listen' | 'hold', arrange: Arrange]> = [
  [
    'scheduled',
    'canceled',
    'hold',
    async ({ pass }) => {
      await pass('victim', { runAt: '1h' });
      await pass('next');
      return async () => undefined;
    },
  ],
  [
    'blocked',
    'canceled',
    'hold',
    async (stage, opened) => {
      await stage.act('first');
      await stage.engine.until('first', 'running');
      await stage.pass('victim');
      await stage.blocked('victim');
      await behind(stage);
      return async () => opened.open();
    },
  ],
  [
    'running',
    'running',
    'listen',
    async (stage) => {
      await stage.act('victim');
      await eventually(() => stage.acting.includes('victim'));
      return behind(stage);
    },
  ],
  [
    'waiting',
    'canceled',
    'sleep',
    async (stage) => {
      await stage.act('victim');
      await stage.engine.until('victim', 'waiting');
      return behind(stage);
    },
  ],
  [
    'backing off',
    'canceled',
    'throw',
    async (stage) => {
      await stage.act('victim');
      await stage.engine.until('victim', 'waiting');
      return behind(stage);
    },
  ],
];

describe('the mutex of a run that is canceled', () => {
  it.each(STATES)('while it is %s is free', async (_state, status, action, arrange) => {
    const opened = gate();
    const actions = {
      hold: () => opened.promise,
      sleep: (ctx: WorkflowContext<Job>) => ctx.step.waitFor('nap', '30d'),
      listen: (ctx: WorkflowContext<Job>) => aborted(ctx.signal),
      throw: () => {
        throw new Error('no');
      },
    };
    const created = await stage(actions[action], { retries: { delay: '1d' } });
    const { engine, trace } = created;
    const goOn = await arrange(created, opened);
    expect(await engine.client.cancelRun('victim')).toEqual({ canceled: true, status });
    await goOn();
    await engine.until('next', 'succeeded');
    await engine.until('victim', 'canceled');
    expect(trace).not.toContain('-victim');
    expect(trace.slice(-2)).toEqual(['+next', '-next']);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

describe('the line of a mutex', () => {
  it('is first in, first out, without those that were canceled in it, whatever their priority', async () => {
    const opened = gate();
    const { engine, trace, act, pass, blocked } = await stage(() => opened.promise);
    await engine.startWorker();
    await act('holder');
    await engine.until('holder', 'running');
    for (let index = 0; index < 12; index++) {
      await pass(`w${index}`, { priority: index % 10 });
      await blocked(`w${index}`);
    }
    for (const index of [0, 4, 5, 8, 11]) await engine.client.cancelRun(`w${index}`);
    opened.open();
    const left = [1, 2, 3, 6, 7, 9, 10];
    await engine.until('w10', 'succeeded');
    expect(trace).toEqual(['holder', ...left.map((index) => `w${index}`)].flatMap((id) => [`+${id}`, `-${id}`]));
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('comes before what else is in the queue when the key is free', async () => {
    const { engine, exclusive, trace, act, pass, blocked } = await stage(
      (ctx) => ctx.step.waitFor('nap', '1h'),
      {},
      { concurrency: 1 },
    );
    await act('holder');
    await engine.until('holder', 'waiting');
    await pass('w1');
    await pass('w2');
    await blocked('w2');
    await engine.client.pauseQueue('default');
    for (const runId of ['a', 'b']) await engine.client.run(exclusive, { key: runId, acts: false }, { runId });
    await engine.client.cancelRun('holder');
    await engine.client.resumeQueue('default');
    for (const runId of ['w1', 'w2', 'a', 'b']) await engine.until(runId, 'succeeded');
    expect(trace).toEqual(['+holder', '+w1', '-w1', '+w2', '-w2', '+a', '-a', '+b', '-b']);
  });

  it('stays behind a holder whose worker crashed', async () => {
    let lives = 0;
    const { engine, trace, act, pass, blocked } = await stage(
      async (ctx, did) => {
        if (++lives <= 2) await never;
        await ctx.step.run('go on', () => void did.push('goes on'));
      },
      {},
      { leaseMs: 60_000, reaperIntervalMs: 10 },
    );
    const holder = await act('holder');
    await eventually(() => lives === 1);
    for (const id of ['w1', 'w2']) {
      await pass(id, { priority: 9 });
      await blocked(id);
    }
    for (const life of [1, 2]) {
      await eventually(() => lives === life);
      await engine.redis.zadd(engine.key('workers'), 'XX', 1, engine.worker.id);
      await eventually(async () => expect(await holder.getState()).toMatchObject({ recoveries: life }));
    }
    await engine.until('w2', 'succeeded');
    expect(trace).toEqual(['+holder', 'goes on', '-holder', '+w1', '-w1', '+w2', '-w2']);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

it('ends a parent that waits for a child under its own key by its timeout; the child goes on', async () => {
  const { engine, trace, act, blocked } = await stage(
    (ctx) => ctx.step.runWorkflow('own child', 'exclusive', { key: 'k', acts: false }),
    { timeout: '1h', maxAttempts: 1 },
  );
  const parent = await act('parent');
  await engine.until('parent', 'waiting');
  const { items } = await engine.client.listRuns({ workflow: 'exclusive' });
  const child = items.filter(({ parentRunId }) => parentRunId === 'parent')[0].id;
  await blocked(child);
  await engine.advance(HOUR_MS);
  expect(await engine.failure(parent)).toBeInstanceOf(RunTimeoutError);
  await engine.until(child, 'succeeded');
  expect(trace).toEqual(['+parent', `+${child}`, `-${child}`]);
  expect(await gateKeys(engine)).toEqual([]);
});

it('keeps keys apart that are any text', async () => {
  const long = 'x'.repeat(511);
  const keys = ['', ' ', '*', '?', ':', '{}', '{a}', 'a', 'a:b', 'a::b', 'a|b', '[ab]', '7:a', `${long}y`, `${long}z`];
  keys.push('ключ', 'e\u0301', '\u00e9', '🔑', 'ß'.repeat(256), 'A', 'a ', '\0a', 'mutex', 'mx');
  const names = ['job', 'job:a', '3:job'];
  const jobs = names.map((name) =>
    workflow(
      name,
      async (ctx: WorkflowContext<Job>) => {
        if (ctx.input.acts) await ctx.step.waitForEvent('end', { event: 'end', correlationKey: 'k' });
      },
      { mutex: ({ key }) => key },
    ),
  );
  const engine = await startEngine({ workflows: jobs });
  const all = jobs.flatMap((job) => keys.map((key) => ({ job, key })));
  const create = (acts: boolean) => Promise.all(all.map(({ job, key }) => engine.client.run(job, { key, acts })));
  const holders = await create(true);
  for (const { id } of holders) await engine.until(id, 'waiting');
  const others = await create(false);
  for (const { id } of others) await untilBlocked(engine, id, 'mutex');
  expect(new Set(await engine.redis.keys(engine.key('mutex:*'))).size).toBe(all.length);
  await engine.client.emitEvent('end', null, { correlationKey: 'k' });
  await Promise.all([...holders, ...others].map((handle) => handle.result()));
  for (const [index, { id }] of holders.entries()) {
    const first = spanOf(await engine.until(id, 'succeeded'));
    const second = spanOf(await engine.until(others[index].id, 'succeeded'));
    expect(second.startedAt).toBeGreaterThanOrEqual(first.finishedAt);
  }
  expect(await gateKeys(engine)).toEqual([]);
});

it('makes a run that is retried wait in line again', async () => {
  const opened = gate();
  let broken = true;
  const { engine, trace, act, pass, blocked } = await stage(
    async (ctx) => {
      if (ctx.run.id === 'holder') await opened.promise;
      else if (broken) throw new Error('no');
    },
    { maxAttempts: 1 },
  );
  const retried = await act('retried');
  await engine.failure(retried);
  await act('holder');
  await engine.until('holder', 'running');
  await pass('before');
  await blocked('before');
  broken = false;
  const again = await engine.client.retryRun('retried');
  await blocked('retried');
  await pass('after');
  await blocked('after');
  opened.open();
  await engine.until('after', 'succeeded');
  await again.result();
  const order = ['+retried', '+holder', '-holder', '+before', '-before', '-retried', '+after', '-after'];
  expect(trace).toEqual(order);
  expect(await gateKeys(engine)).toEqual([]);
});

it('lets a canceled run be retried, which waits in line', async () => {
  const opened = gate();
  const { engine, trace, act, pass, blocked } = await stage(() => opened.promise);
  await act('holder');
  await engine.until('holder', 'running');
  const canceled = await pass('canceled');
  await blocked('canceled');
  await canceled.cancel();
  await expect(canceled.result()).rejects.toBeInstanceOf(RunCanceledError);
  await pass('next');
  await blocked('next');
  await engine.client.retryRun('canceled');
  await blocked('canceled');
  opened.open();
  await engine.until('canceled', 'succeeded');
  expect(trace).toEqual(['holder', 'next', 'canceled'].flatMap((id) => [`+${id}`, `-${id}`]));
  expect(await gateKeys(engine)).toEqual([]);
});
