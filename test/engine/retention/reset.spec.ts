import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, InvalidOptionError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine } from '../../support/engine.js';
import { testPrefix } from '../../support/namespace.js';

const registry = createRegistry();
defineWorkflow('echo', { registry, handler: (ctx) => ctx.input });
defineWorkflow('listens', {
  registry,
  event: [{ name: 'tick' }],
  cron: [{ id: 'yearly', expression: '0 0 1 1 *' }],
  handler: (ctx) => ctx.step.waitForEvent('answer', { event: 'answer', correlationKey: 'k' }),
});
defineWorkflow('parent', {
  registry,
  handler: (ctx) => ctx.step.runWorkflow('child', 'listens', undefined),
});
defineWorkflow('fails', {
  registry,
  maxAttempts: 1,
  handler: () => {
    throw new Error('no');
  },
  onFailure: (ctx) => ctx.step.waitFor('later', '1d'),
});

/** An engine with runs in every status and all that may belong to them. */
async function busyEngine(prefix?: string) {
  const engine = await startEngine({ registry, prefix });
  const { client } = engine;
  await client.runByName('echo', 1, { idempotencyKey: 'once' }).then((handle) => handle.result());
  await client.runByName('echo', 1, { runAt: new Date(Date.now() + 3_600_000) });
  const failed = await client.runByName('fails', 1);
  const parent = await client.runByName('parent', 1);
  await client.emitEvent('tick', 1, { correlationKey: 'k' });
  await engine.until(parent.id, 'waiting');
  await engine.until(failed.id, 'failed');
  await engine.worker.stop();
  await client.runByName('echo', 2);
  return engine;
}

async function keysOf({ redis, prefix }: Awaited<ReturnType<typeof startEngine>>): Promise<string[]> {
  const root = `{${prefix}}:`;
  const keys = await redis.keys(`${root.replace(/[*?[\]\\]/g, '\\$&')}*`);
  return keys.map((key) => key.slice(root.length)).sort();
}

describe('resetRuns()', () => {
  it('deletes all runs and what belongs to them, and keeps events, schedules and declarations', async () => {
    const engine = await busyEngine();
    const { client } = engine;
    const events = await client.listEvents();
    const workflows = await client.listWorkflows();
    const schedules = await client.listSchedules();
    await client.resetRuns({ confirm: engine.prefix });
    expect((await client.listRuns()).items).toEqual([]);
    const families = [...new Set((await keysOf(engine)).map((key) => key.split(':')[0]))];
    expect(families.filter((family) => !/^(event|deliveries|mail|worker|idle|wake)/.test(family))).toEqual([
      'counters',
      'declared',
      'held',
      'registered',
      'schedule',
      'schedules',
      'subscribers',
      'triggers',
      'undecided',
      'unserved',
      'workflows',
    ]);
    expect(events.items).toHaveLength(1);
    expect(await client.listEvents()).toEqual(events);
    expect(await client.listWorkflows()).toEqual(workflows);
    expect(await client.listSchedules()).toEqual(schedules);
  });

  it('leaves a namespace in which everything works, under the idempotency keys of before too', async () => {
    const engine = await busyEngine();
    await engine.client.resetRuns({ confirm: engine.prefix });
    await engine.startWorker();
    const again = await engine.client.runByName('echo', 2, { idempotencyKey: 'once' });
    expect(again.deduplicated).toBe(false);
    expect(await again.result()).toBe(2);
    const [listening] = await engine.client.emitEvent('tick', 2);
    await engine.until(listening.id, 'waiting');
    await engine.client.emitEvent('answer', 3, { correlationKey: 'k' });
    expect(await listening.result()).toMatchObject({ data: 3 });
    expect((await engine.client.listRuns()).items).toHaveLength(2);
  });

  it('takes the runs from a worker that executes them; what they write is refused, and the worker goes on', async () => {
    const started = gate();
    const held = gate();
    const slow = defineWorkflow('slow', {
      registry: createRegistry(),
      handler: async (ctx: WorkflowContext<boolean>) => {
        if (!ctx.input) return 'ok';
        started.open();
        await held.promise;
        return ctx.step.run('late', () => 1);
      },
    });
    const engine = await startEngine({ workflows: [slow] });
    await engine.client.run(slow, true);
    await started.promise;
    await engine.client.resetRuns({ confirm: engine.prefix });
    held.open();
    expect(await (await engine.client.run(slow, false)).result()).toBe('ok');
    await engine.worker.stop();
    expect((await engine.client.listRuns()).items).toHaveLength(1);
    expect((await keysOf(engine)).filter((key) => key.startsWith('data:'))).toHaveLength(1);
  });
});

describe('resetState()', () => {
  it('deletes every key under the prefix', async () => {
    const engine = await busyEngine();
    await engine.advance(1_000);
    await engine.client.resetState({ confirm: engine.prefix });
    expect(await keysOf(engine)).toEqual(['clock']);
  });

  it('leaves alone what other prefixes hold that a pattern would match', async () => {
    const base = testPrefix();
    const [one, other] = [await busyEngine(`${base}*`), await busyEngine(`${base}[x]*`)];
    const before = await keysOf(other);
    await one.client.resetState({ confirm: one.prefix });
    expect(await keysOf(one)).toEqual([]);
    expect(await keysOf(other)).toEqual(before);
    await other.client.resetState({ confirm: other.prefix });
    expect(await keysOf(other)).toEqual([]);
  });

  it('takes the lease of live workers, which register again with all that they declare', async () => {
    const engine = await startEngine({ registry, worker: { registryRecoveryIntervalMs: 100, leaseMs: 1_000 } });
    await engine.client.resetState({ confirm: engine.prefix });
    const handle = await engine.client.runByName('echo', 1, { allowUnknown: true });
    expect(await handle.result()).toBe(1);
    expect(await engine.client.getStats()).toMatchObject({ workers: [expect.anything()] });
  });
});

describe('resetRuns() and resetState()', () => {
  it.each([undefined, {}, { confirm: '' }, { confirm: 'redflow:v1' }, { confirm: true }])(
    'refuse %j and delete nothing',
    async (options) => {
      const engine = await startEngine({ registry, worker: false });
      const handle = await engine.client.runByName('echo', 1, { allowUnknown: true });
      for (const reset of ['resetRuns', 'resetState'] as const) {
        const error = await engine.client[reset](options as never).catch((refusal: unknown) => refusal);
        expect(error).toBeInstanceOf(InvalidOptionError);
        expect(error).toMatchObject({ option: 'confirm', message: expect.stringContaining(engine.prefix) });
      }
      expect(await engine.client.getRun(handle.id)).not.toBeNull();
    },
  );
});
