import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, type PayloadCodec, type WorkflowContext } from '../../../lib/engine/index.js';
import { packRuns } from '../../../lib/engine/redis/retention/pack-runs.js';
import { aesCodec } from '../../support/codecs.js';
import { type Engine, rejection, startEngine } from '../../support/engine.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

const registry = createRegistry();
const once = { registry, maxAttempts: 1 };
const no = (message: string) => (): never => {
  throw new RangeError(message);
};

const double = defineWorkflow('double', { registry, handler: (ctx: WorkflowContext<number>) => ctx.input * 2 });
const fails = defineWorkflow('fails', { ...once, handler: no('a bad child') });
const steps = defineWorkflow('steps', {
  registry,
  handler: async ({ step, input }: WorkflowContext) => {
    await step.run('größe', async (context) => {
      await context.progress({ done: 1, of: 2 });
      return { input, '🦊': null };
    });
    await step.run('nothing', () => undefined);
    await step.run('caught', no('in a step'), { retries: { maxAttempts: 1 } }).catch(() => 'caught');
    await step.waitFor('nap', 1);
    const doubled = await step.runWorkflow('child', double, 21);
    await step.runWorkflow('bad child', fails, null).catch(() => 'caught');
    await step.emitWorkflow('later', double, 4);
    await step.emitEvent('tell', 'told', { doubled }, { correlationKey: 'k' });
    await step.waitForEvent('hear', { event: 'told', correlationKey: 'k' });
    await step.waitForAny('any', { child: { workflow: double, input: 1 }, late: { for: '1h' } });
    await step.waitForAny('timer', { soon: { for: 1 }, never: { event: 'never', correlationKey: 'k' } });
    return { doubled };
  },
});
defineWorkflow('hears', { registry, event: [{ name: 'told' }], handler: (ctx) => ctx.input });
const retried = defineWorkflow('retried', {
  registry,
  maxAttempts: 3,
  retries: { delay: 0 },
  handler: async (ctx: WorkflowContext) => {
    await ctx.step.run('kept', () => 1);
    if (ctx.run.attempt < 3) throw new TypeError(`attempt ${ctx.run.attempt}`);
    return ctx.run.attempt;
  },
});
const hooked = defineWorkflow('hooked', {
  ...once,
  handler: no('to be handled'),
  onFailure: ({ input }) => (input === 'bad' ? no('hook')() : undefined),
});
const unwound = defineWorkflow('unwound', {
  ...once,
  handler: async ({ step }: WorkflowContext) => {
    await step.run('stuck', () => 1, { compensate: { run: no('locked'), retries: { maxAttempts: 1 } } });
    await step.run('undone', () => 2, { compensate: () => undefined });
    no('no seat')();
  },
});
const sleeps = defineWorkflow('sleeps', { registry, handler: ({ step }: WorkflowContext) => step.waitFor('night', '1d') });

/** Runs that have ended in every way; none is packed before `freed` is called. Answers ids. */
async function zoo(engine: Engine): Promise<string[]> {
  const { client } = engine;
  // Where packed runs are listed stands something else, so nothing is packed yet.
  await engine.redis.set(engine.key('packed'), 'taken');
  const handles = [
    await client.run(steps, { text: 'x'.repeat(200) }),
    await client.run(steps, { long: 'x'.repeat(20_000) }),
    await client.run(double, 1, { idempotencyKey: 'first', tags: { tenant: 't'.repeat(100) } }),
    await client.run(fails, undefined, { idempotencyKey: 'bad' }),
    await client.run(retried, undefined, { priority: 3 }),
    await client.run(hooked, 'good'),
    await client.run(hooked, 'bad'),
    await client.run(unwound, undefined),
  ];
  const canceled = await client.run(sleeps, undefined, { idempotencyKey: 'canceled' });
  await engine.until(canceled.id, 'waiting');
  await canceled.cancel({ reason: 'über "it"' });
  await (await client.run(sleeps, undefined, { runAt: '1d' })).cancel();
  for (const handle of handles) await handle.result().catch(() => undefined);
  for (const failed of handles.slice(5, 7)) await engine.hookEnded(failed.id, 60_000);
  const { items } = await client.listRuns({ limit: 100 });
  for (const { id } of items) await engine.until(id, 'succeeded', 'failed', 'canceled');
  await engine.worker.stop();
  return items.map(({ id }) => id);
}

/** All that can be asked about runs. */
async function answers({ client }: Engine, ids: readonly string[]) {
  const about = async (id: string) => ({
    run: await client.getRun(id),
    steps: await client.getRunSteps(id),
    attempts: await client.getRunAttempts(id),
    result: await client
      .getHandle(id)
      .result()
      .catch(({ name, message, cause }) => ({ name, message, cause })),
    canceled: await client.cancelRun(id),
  });
  return {
    runs: await Promise.all(ids.map(about)),
    listed: await client.listRuns({ limit: 100 }),
    failed: await client.listRuns({ status: 'failed', workflow: 'hooked' }),
    events: await client.listEvents(),
    stats: (await client.getStats()).runs,
    deduplicated: await client.run(double, 5, { idempotencyKey: 'first' }),
  };
}

async function pack(engine: Engine): Promise<void> {
  await engine.redis.del(engine.key('packed'));
  const room = openEngineRoom({ prefix: engine.prefix });
  while (await room.send(packRuns(5)));
}

const numberOf = async (engine: Engine, family: string) => (await engine.redis.keys(engine.key(`${family}:*`))).length;

describe('runs that are packed', () => {
  it.each<[string, PayloadCodec | undefined]>([
    ['without a codec', undefined],
    ['with a codec', aesCodec()],
  ])('answer every query as before, %s', async (_, codec) => {
    const engine = await startEngine({ registry, worker: { codec }, client: { codec } });
    const ids = await zoo(engine);
    expect(ids.length).toBeGreaterThanOrEqual(17);
    const before = await answers(engine, ids);
    await pack(engine);
    expect(await answers(engine, ids)).toEqual(before);
    // A long one stays as it is, and so do those with many errors.
    const packed = await Promise.all(ids.map((id) => engine.redis.hexists(engine.key(`run:${id}`), 'z')));
    expect(packed.filter(Boolean).length).toBeGreaterThanOrEqual(12);
    expect(await engine.redis.llen(engine.key('packed'))).toBe(ids.length);
  });

  it('give parents what they ended with', async () => {
    const engine = await startEngine({ registry });
    await zoo(engine);
    await pack(engine);
    const parent = defineWorkflow('parent', {
      registry: createRegistry(),
      handler: async ({ step }: WorkflowContext) => [
        await step.runWorkflow('succeeded', double, 1, { idempotencyKey: 'first' }),
        (await rejection(step.runWorkflow('failed', fails, undefined, { idempotencyKey: 'bad' }))).message,
        (await rejection(step.runWorkflow('canceled', sleeps, undefined, { idempotencyKey: 'canceled' }))).message,
      ],
    });
    await engine.startWorker({ registry: undefined, workflows: [parent] });
    const [output, failure, cancellation] = await (await engine.client.run(parent, undefined)).result();
    expect(output).toBe(2);
    expect(failure).toContain('a bad child');
    expect(cancellation).toContain('über "it"');
  });

  it('go on behind their completed steps when they are retried', async () => {
    let isGood = false;
    let executions = 0;
    const flow = defineWorkflow('flow', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: async ({ step }: WorkflowContext<string>) => {
        const first = await step.run('first', () => ++executions);
        const second = () => {
          // Without its long stack.
          if (!isGood) throw Object.assign(new RangeError('not yet'), { stack: '' });
          return first;
        };
        return step.run('second', second, { retries: { maxAttempts: 1 } });
      },
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, 'input');
    await rejection(handle.result());
    const passes = await engine.client.getRunAttempts(handle.id);
    await pack(engine);
    expect(await numberOf(engine, 'data')).toBe(0);
    isGood = true;
    await engine.client.retryRun(handle.id);
    expect(await handle.result()).toBe(1);
    expect(executions).toBe(1);
    expect((await engine.client.getRunAttempts(handle.id)).slice(0, passes.length)).toEqual(passes);
  });

  it('are packed by a worker and deleted by retention', async () => {
    const engine = await startEngine({ registry });
    const handle = await engine.client.run(double, 4);
    expect(await handle.result()).toBe(8);
    await eventually(async () => (await engine.redis.llen(engine.key('packed'))) === 1, 'the run is packed');
    expect(await numberOf(engine, 'data')).toBe(0);
    expect(await handle.result()).toBe(8);
    await engine.advance(31 * 86_400_000);
    expect(await engine.client.cleanupExpiredRunsNow()).toEqual({ deleted: 1 });
    expect(await engine.client.getRun(handle.id)).toBeNull();
  });
});
