import { describe, expect, it } from '@jest/globals';
import {
  type CronTrigger,
  createRegistry,
  defineWorkflow,
  type StandardSchemaV1,
  UnknownVersionError,
  type WorkflowContext,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type Engine, gate, once, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { informedClient } from '../../support/informed-client.js';

const HOUR_MS = 3_600_000;

/** Says which code runs it, before and after an hour. */
const order = (version?: string, options: WorkflowOptions<unknown> = {}) =>
  workflow(
    'order',
    async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('an-hour', '1h');
      return `${version} as ${ctx.run.version}`;
    },
    { ...options, version },
  );
const v1 = order('1');
const v2 = order('2', { current: true });
const without = order();

/** Says which code runs it, at once. */
const greet = (version?: string, options: WorkflowOptions<unknown> = {}) =>
  workflow('greet', async (ctx: WorkflowContext) => `${version} as ${ctx.run.version}`, { ...options, version });
const greetings = [greet('1'), greet('2', { current: true })];

/** Only takes what passes, and says who has judged it. */
function schema(judge: (value: unknown) => boolean): StandardSchemaV1<unknown, unknown> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (judge(value) ? { value } : { issues: [{ message: 'no' }] }),
    },
  };
}

async function waiting(engine: Engine, ...args: Parameters<Engine['client']['run']>): Promise<string> {
  const { id } = await engine.client.run(...args);
  await engine.until(id, 'waiting');
  return id;
}

describe('a run', () => {
  it('is pinned by its first claim to the version that is current then, and goes on with it', async () => {
    const engine = await startEngine({ workflows: [v1] });
    const before = await engine.client.run(v1, 0, { runAt: '1h' });
    expect(await before.getState()).not.toHaveProperty('version');
    const begun = await waiting(engine, v1, 0);
    expect((await engine.client.getRun(begun))?.version).toBe('1');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [v1, v2] });
    await engine.advance(HOUR_MS);
    expect(await engine.client.getHandle(begun).result()).toBe('1 as 1');
    await engine.until(before.id, 'waiting');
    await engine.advance(HOUR_MS);
    expect(await before.result()).toBe('2 as 2');
  });

  it.each([
    ['the class or definition of another version', v1],
    ['its name', 'order'],
    ['the current version', v2],
  ])('is of the current version, whoever creates it with %s', async (_what, ref) => {
    const engine = await startEngine({ workflows: [v1, v2] });
    for (const client of [engine.client, informedClient(engine, v1), informedClient(engine, v1, v2)]) {
      const { id } = await client.run(ref, 0);
      await engine.until(id, 'waiting');
      expect((await client.getRun(id))?.version).toBe('2');
    }
  });

  it('is pinned by its creator with `version`', async () => {
    const engine = await startEngine({ workflows: [v1, v2] });
    const options = { version: '1' };
    const handles = [
      await engine.client.run(v2, 0, options),
      await engine.client.runByName('order', 0, options),
      await engine.client.emitWorkflow('order', 0, options),
      ...(await engine.client.runMany(v2, [{ input: 0, ...options }, { input: 0 }])),
    ];
    expect((await handles[0].getState()).version).toBe('1');
    for (const { id } of handles) await engine.until(id, 'waiting');
    await engine.advance(HOUR_MS);
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([
      ...Array.from({ length: 4 }, () => '1 as 1'),
      '2 as 2',
    ]);
  });

  it('that began without a version stays without, and is taken by any worker of the workflow', async () => {
    const engine = await startEngine({ workflows: [without] });
    const begun = await waiting(engine, without, 0);
    const parked = await waiting(engine, without, 0);
    await engine.worker.stop();
    await engine.startWorker({ workflows: [v1, v2] });
    await engine.advance(HOUR_MS);
    expect(await engine.client.getHandle(begun).result()).toBe('2 as undefined');
    expect(await engine.client.getHandle(parked).result()).toBe('2 as undefined');
    // The definition without a version goes first.
    const third = await waiting(engine, v2, 0);
    await engine.redis.hdel(engine.key(`run:${third}`), 've');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [v2, without] });
    await engine.advance(HOUR_MS);
    expect(await engine.client.getHandle(third).result()).toBe('undefined as undefined');
  });

  it('begins without a version where the current definition has none', async () => {
    const engine = await startEngine({ workflows: [greet(undefined, { current: true }), greet('2')] });
    expect(await (await engine.client.runByName('greet', 0)).result()).toBe('undefined as undefined');
    expect(await (await engine.client.runByName('greet', 0, { version: '2' })).result()).toBe('2 as 2');
  });

  it('begins without a version after a roll-back to code that has none', async () => {
    const engine = await startEngine({ workflows: [greet('2')] });
    await engine.worker.stop();
    await engine.startWorker({ workflows: [greet()] });
    expect(await (await engine.client.runByName('greet', 0)).result()).toBe('undefined as undefined');
  });

  it('of an event, of a schedule, and a child get the current version of their own workflow', async () => {
    const cron: CronTrigger[] = [{ id: 'hourly', expression: '0 * * * *' }];
    const parent = workflow(
      'parent',
      async (ctx: WorkflowContext) => [
        await ctx.step.runWorkflow('run', greetings[0], 0),
        await ctx.step.emitWorkflow('emit', 'greet', 0),
        await ctx.step.waitForAny('any', { child: { workflow: 'greet', input: 0 } }),
      ],
      { version: '7' },
    );
    const subscribed = greet('2', { current: true, cron, event: [{ name: 'greeted' }] });
    const engine = await startEngine({ workflows: [parent, greet('1'), subscribed] });
    const [ran, emitted, any] = (await (await engine.client.run(parent, 0)).result()) as unknown[];
    expect(ran).toBe('2 as 2');
    expect(await engine.client.getHandle(emitted as string).result()).toBe('2 as 2');
    expect(any).toEqual({ winner: 'child', value: '2 as 2' });
    const [delivered] = await engine.client.emitEvent('greeted', 0);
    expect(await delivered.result()).toBe('2 as 2');
    await engine.advance(HOUR_MS);
    const fired = await once(async () => {
      const { items } = await engine.client.listRuns({ workflow: 'greet', status: 'succeeded' });
      return items.find(({ trigger }) => trigger === 'cron') ?? false;
    });
    expect(fired).toMatchObject({ version: '2', output: '2 as 2' });
    expect(await (await engine.client.triggerSchedule('hourly')).result()).toBe('2 as 2');
  });

  it('keeps its version when it is compensated and for its failure hook', async () => {
    const seen: string[] = [];
    const failing = (version: string, options: WorkflowOptions<unknown> = {}) =>
      defineWorkflow('failing', {
        ...options,
        version,
        maxAttempts: 1,
        registry: createRegistry(),
        handler: async (ctx: WorkflowContext) => {
          await ctx.step.run('do', () => seen.push(`do ${version}`), { compensate: () => void seen.push(`undo ${version}`) });
          if (ctx.input === 'fail') throw new Error('boom');
          await ctx.step.waitForEvent('go', { event: 'go', correlationKey: ctx.run.id });
        },
        onFailure: ({ run }) => void seen.push(`hook ${version} of ${run.version}`),
      });
    const engine = await startEngine({ workflows: [failing('1')] });
    const canceled = await waiting(engine, 'failing', 'wait');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [failing('1'), failing('2', { current: true })] });
    await engine.client.cancelRun(canceled);
    await engine.until(canceled, 'canceled');
    const failed = await engine.client.runByName('failing', 'fail', { version: '1' });
    await engine.hookEnded(failed.id);
    expect(seen).toEqual(['do 1', 'undo 1', 'do 1', 'undo 1', 'hook 1 of 1']);
  });

  it('keeps its version when it is retried, unless the retry names another', async () => {
    const isFixed: Record<string, boolean> = {};
    const flaky = (version: string, options: WorkflowOptions<unknown> = {}) =>
      workflow(
        'flaky',
        async (ctx: WorkflowContext) => {
          const first = await ctx.step.run('first', () => version);
          if (!isFixed[version]) throw new Error('boom');
          return `${first}, ${version} as ${ctx.run.version}`;
        },
        { ...options, version, maxAttempts: 1 },
      );
    const engine = await startEngine({ workflows: [flaky('1'), flaky('2', { current: true })] });
    const runs = [
      await engine.client.runByName('flaky', 0, { version: '1' }),
      await engine.client.runByName('flaky', 0, { version: '1' }),
    ];
    for (const { id } of runs) await engine.until(id, 'failed');
    isFixed['2'] = true;
    const kept = await engine.client.retryRun(runs[0].id);
    expect(await engine.until(kept.id, 'failed')).toMatchObject({ version: '1' });
    const changed = await engine.client.retryRun(runs[1].id, { version: '2' });
    expect(await changed.result()).toBe('1, 2 as 2');
    isFixed['1'] = true;
    expect(await (await engine.client.retryRun(kept.id)).result()).toBe('1, 1 as 1');
  });

  it('that nobody has executed yet is pinned by the claim after its retry', async () => {
    const engine = await startEngine({ workflows: [greet('1')] });
    const { id } = await engine.client.runByName('greet', 0, { runAt: '1h' });
    await engine.client.cancelRun(id);
    await engine.worker.stop();
    await engine.startWorker({ workflows: greetings });
    expect(await (await engine.client.retryRun(id)).result()).toBe('2 as 2');
  });
});

describe('a version that nobody has declared', () => {
  it('is refused with those that are known; nothing is written', async () => {
    const engine = await startEngine({ workflows: [v1, v2] });
    const error = await rejection(engine.client.runByName('order', 0, { version: '3', runId: 'r1' }));
    expect(error).toBeInstanceOf(UnknownVersionError);
    expect(error).toMatchObject({ code: 'UNKNOWN_VERSION', workflow: 'order', version: '3', known: ['1', '2'] });
    expect(await engine.client.getRun('r1')).toBeNull();
    const many = engine.client.runMany('order', [
      { input: 0, runId: 'r1' },
      { input: 0, version: '3' },
    ]);
    expect(await rejection(many)).toBeInstanceOf(UnknownVersionError);
    expect(await engine.client.getRun('r1')).toBeNull();
    const { id } = await engine.client.runByName('order', 0);
    await engine.client.cancelRun(id);
    await engine.until(id, 'canceled');
    expect(await rejection(engine.client.retryRun(id, { version: '3' }))).toBeInstanceOf(UnknownVersionError);
    expect(await engine.client.getRun(id)).toMatchObject({ status: 'canceled' });
  });

  it('is taken with allowUnknown, and the run waits for it', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.runByName('greet', 0, { version: '3', allowUnknown: true });
    await engine.startWorker({ workflows: [greet('3')] });
    expect(await handle.result()).toBe('3 as 3');
  });

  it.each([
    ['an empty one', { version: '' }, 'version'],
    ['a number', { version: 3 as never }, 'version'],
  ])('is refused as %s', async (_what, options, option) => {
    const engine = await startEngine({ workflows: greetings });
    expect(await rejection(engine.client.runByName('greet', 0, options))).toMatchObject({ code: 'INVALID_OPTION', option });
    expect(await rejection(engine.client.retryRun('r1', options))).toMatchObject({ code: 'INVALID_OPTION', option });
  });

  it('can not be asked for of a debounced workflow, whose runs are several creates in one', async () => {
    const debounced = workflow('debounced', () => 0, { version: '1', debounce: { key: () => 'k', period: '1h' } });
    const engine = await startEngine({ workflows: [debounced] });
    const client = informedClient(engine, debounced);
    expect(await rejection(client.run(debounced, 0, { version: '1' }))).toMatchObject({ option: 'version' });
  });
});

describe('what is declared', () => {
  it("is the current version's: subscriptions, schedules, limits, queue", async () => {
    const old = greet('1', { event: [{ name: 'old' }], cron: [{ id: 'old', expression: '0 * * * *' }], maxConcurrency: 1 });
    const recent = greet('2', {
      current: true,
      event: [{ name: 'recent' }],
      cron: [{ id: 'recent', expression: '0 * * * *' }],
      maxConcurrency: 3,
    });
    const engine = await startEngine({ workflows: [old, recent] });
    expect(await engine.client.getWorkflowMeta('greet')).toMatchObject({
      version: '2',
      versions: ['1', '2'],
      maxConcurrency: 3,
      events: ['recent'],
      cron: [{ id: 'recent' }],
    });
    expect((await engine.client.listSchedules()).map(({ id }) => id)).toEqual(['recent']);
    for (const client of [engine.client, informedClient(engine, old, recent), informedClient(engine, old)]) {
      expect(await client.emitEvent('old', 0)).toEqual([]);
      expect(await client.emitEvent('recent', 0)).toHaveLength(1);
    }
  });

  it('by the older of two versions does not judge what the current one runs', async () => {
    const asked: string[] = [];
    const judging = (version: string, options: WorkflowOptions<unknown> = {}) =>
      greet(version, {
        ...options,
        input: schema((value) => {
          asked.push(version);
          return value === `for ${version}`;
        }),
      });
    const [old, recent] = [judging('1'), judging('2', { current: true })];
    const engine = await startEngine({ workflows: [old, recent] });
    // Its creator has the current version.
    const knowing = informedClient(engine, old, recent);
    expect(await rejection(knowing.run(old, 'for 1'))).toMatchObject({ code: 'INPUT_VALIDATION' });
    expect(asked).toEqual(['2']);
    // Its creator has it not: the first pass judges.
    asked.length = 0;
    const ignorant = informedClient(engine, old);
    expect(await (await ignorant.run(old, 'for 2')).result()).toBe('2 as 2');
    expect(new Set(asked)).toEqual(new Set(['2']));
    expect(await engine.failure(await ignorant.run(old, 'for 1'))).toMatchObject({ code: 'INPUT_VALIDATION' });
    // One that is pinned is judged by its own version.
    expect(await (await knowing.run(recent, 'for 1', { version: '1' })).result()).toBe('1 as 1');
    expect(await rejection(ignorant.run(old, 'for 2', { version: '1' }))).toMatchObject({ code: 'INPUT_VALIDATION' });
  });

  it('judges again what another version has judged before a deploy', async () => {
    const judging = (version: string) => greet(version, { input: schema((value) => value === `for ${version}`) });
    const engine = await startEngine({ workflows: [judging('1')] });
    const client = informedClient(engine, judging('1'));
    const run = await client.runByName('greet', 'for 1', { runAt: '1h' });
    await engine.worker.stop();
    await engine.startWorker({ workflows: [judging('2')] });
    await engine.advance(HOUR_MS);
    expect(await engine.failure(run)).toMatchObject({ code: 'INPUT_VALIDATION' });
  });

  it('of a debounced run is judged by the version of the last create', async () => {
    const judging = (version: string) =>
      greet(version, {
        debounce: { key: () => 'k', period: '1h' },
        input: schema((value) => value === `for ${version}`),
      });
    const engine = await startEngine({ workflows: [judging('1')] });
    const { id } = await informedClient(engine, judging('1')).runByName('greet', 'for 1');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [judging('2')] });
    expect((await informedClient(engine, judging('2')).runByName('greet', 'for 2')).id).toBe(id);
    expect(await engine.redis.hget(engine.key(`run:${id}`), 'jv')).toBe('2');
    await engine.advance(HOUR_MS);
    expect(await engine.client.getHandle(id).result()).toBe('2 as 2');
  });

  it('limits runs of all versions together', async () => {
    const opened = gate();
    const running: string[] = [];
    const exclusive = (version: string, options: WorkflowOptions<unknown> = {}) =>
      workflow(
        'exclusive',
        async (ctx: WorkflowContext) => {
          running.push(ctx.run.id);
          await opened.promise;
        },
        { ...options, version, mutex: () => 'one' },
      );
    const [old, recent] = [exclusive('1'), exclusive('2', { current: true })];
    const engine = await startEngine({ workflows: [old, recent] });
    const client = informedClient(engine, old, recent);
    const handles = [await client.run(old, 0, { version: '1' }), await client.run(old, 0)];
    await eventually(async () => {
      const blocked = (await Promise.all(handles.map((handle) => handle.getState()))).filter((run) => run.blockedBy === 'mutex');
      expect(blocked).toHaveLength(1);
      expect(running).toHaveLength(1);
    });
    opened.open();
    for (const handle of handles) await handle.result();
  });
});

describe('definitions', () => {
  it.each([
    ['two of one version', [greet('1'), greet('1')], 'version', /Version "1" of workflow "greet" is defined twice/],
    ['two without a version', [greet(), greet()], 'name', /Workflow "greet" is defined twice; .* or a `version`/],
    [
      'two that are current',
      [greet('1', { current: true }), greet(undefined, { current: true })],
      'current',
      /Two definitions of workflow "greet" have `current: true`: the one with version "1" and the one with no version\./,
    ],
    [
      'several of which none is current',
      [greet('1'), greet('2'), greet()],
      'current',
      /"greet" is defined with version "1" and with version "2" and with no version: put `current: true` on the one/,
    ],
  ])('are refused at the start of a worker: %s', async (_what, workflows, option, message) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.startWorker({ workflows }));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option });
    expect(error.message).toMatch(message);
  });

  it('are refused where they are defined: the same version, and a second one that is current', () => {
    const registry = createRegistry();
    const handler = () => 0;
    defineWorkflow('greet', { version: '1', handler, registry });
    defineWorkflow('greet', { version: '2', current: true, handler, registry });
    defineWorkflow('greet', { handler, registry });
    expect(registry.list().map(({ options }) => options.version)).toEqual(['1', '2', undefined]);
    expect(() => defineWorkflow('greet', { version: '2', handler, registry })).toThrow(/Version "2" of workflow "greet"/);
    expect(() => defineWorkflow('greet', { version: '3', current: true, handler, registry })).toThrow(/`current: true`/);
    expect(() => defineWorkflow('x', { current: 'yes' as never, handler, registry })).toThrow(/`current` to be true or false/);
  });

  it('of which none is current do for a client, as long as a worker says which one is', async () => {
    const engine = await startEngine({ worker: false });
    const client = informedClient(engine, greet('1'), greet('2'));
    expect(await rejection(client.runByName('greet', 0))).toMatchObject({ code: 'INVALID_OPTION', option: 'current' });
    await engine.startWorker({ workflows: [greet('1')] });
    expect(await (await client.runByName('greet', 0)).result()).toBe('1 as 1');
  });
});
