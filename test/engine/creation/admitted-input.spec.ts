import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineWorkflow,
  type FailureContext,
  type StandardSchemaV1,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { aesCodec } from '../../support/codecs.js';
import { type Engine, type EngineOptions, rejection, startEngine, workflow } from '../../support/engine.js';
import { perPass } from '../../support/passes.js';

interface Order {
  id: string;
  cents?: number;
  currency?: string;
}

const schema = (validate: (order: Order) => Order | string): StandardSchemaV1<Order> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const made = validate(structuredClone(value) as Order);
      return typeof made === 'string' ? { issues: [{ message: made }] } : { value: made };
    },
  },
});

const AS_IT_IS = schema((order) => order);
const NEEDS_CURRENCY = schema((order) => (order.currency ? order : 'a currency is missing'));
const NEW_ID = schema(({ id, ...order }) => ({ id: id === 'given' ? randomUUID() : id, ...order }));
const BROKEN = schema(() => {
  throw new TypeError('the schema is broken');
});

/** What the runs of one test saw and did. */
class Journal {
  readonly inputs: unknown[] = [];
  readonly effects: string[] = [];

  /** Charges, sleeps for an hour and fails. */
  order(input: StandardSchemaV1<Order> | undefined) {
    const handler = async (ctx: WorkflowContext<Order>) => {
      this.inputs.push(ctx.input);
      await ctx.step.run('charge', () => void this.effects.push('charge'), {
        compensate: () => void this.effects.push('refund'),
      });
      await ctx.step.waitFor('pause', '1h');
      throw new Error('out of stock');
    };
    const onFailure = (failure: FailureContext<Order>) => void this.inputs.push(failure.input);
    return defineWorkflow<Order, void>('order', { registry: createRegistry(), handler, input, maxAttempts: 1, onFailure });
  }
}

/** Runs the first definition until it sleeps, and then the second one. */
async function deployed(first: ReturnType<Journal['order']>, second: ReturnType<Journal['order']>, options?: EngineOptions) {
  const engine = await startEngine({ workflows: [first], ...options });
  await engine.client.run(first, { id: 'given', cents: 5 }, { runId: 'r' });
  await engine.until('r', 'waiting');
  await engine.worker.stop();
  await engine.advance(3_600_000);
  await engine.startWorker({ workflows: [second] });
  const run = await engine.hookEnded('r');
  return { engine, run };
}

const kept = async (engine: Engine, field: string, id = 'r'): Promise<string | null> =>
  engine.redis.hget(engine.key(`data:${id}`), field);

describe('an input that was judged', () => {
  it.each([
    ['refuses it', NEEDS_CURRENCY, /The schema of workflow "order" refuses the input of a run .* a currency is missing/],
    ['breaks down over it', BROKEN, /The schema of workflow "order" refuses .* the schema is broken/],
  ])('stands when a later schema %s: the run goes on, and its compensations and hook see the same', async (_, later, warning) => {
    const journal = new Journal();
    const { engine, run } = await deployed(journal.order(AS_IT_IS), journal.order(later));
    expect(run).toMatchObject({ status: 'failed', error: { message: 'out of stock' }, failureHook: { status: 'succeeded' } });
    expect(run.compensationErrors).toBeUndefined();
    expect(journal.effects).toEqual(['charge', 'refund']);
    expect(perPass(journal.inputs).every((input) => JSON.stringify(input) === '{"id":"given","cents":5}')).toBe(true);
    expect(engine.logs.matching('warn', warning).length).toBeGreaterThan(0);
    expect(engine.logs.matching('warn', warning)[0].fields).toMatchObject({ runId: 'r' });
  });

  it('stays what the first pass made of it when a later schema makes something else', async () => {
    const journal = new Journal();
    const inCents = schema((order) => ({ ...order, cents: (order.cents ?? 0) * 100 }));
    const inEuros = schema((order) => ({ ...order, cents: (order.cents ?? 0) / 100 }));
    const { engine, run } = await deployed(journal.order(inCents), journal.order(inEuros));
    expect(new Set(journal.inputs.map((input) => JSON.stringify(input)))).toEqual(new Set(['{"id":"given","cents":500}']));
    expect(run.input).toEqual({ id: 'given', cents: 5 });
    expect(journal.effects).toEqual(['charge', 'refund']);
    expect(engine.logs.matching('warn', /makes something else of the input/).length).toBeGreaterThan(0);
  });

  it('stays what it was when the schema is gone', async () => {
    const journal = new Journal();
    await deployed(journal.order(NEW_ID), journal.order(undefined));
    expect(new Set(journal.inputs.map((input) => JSON.stringify(input))).size).toBe(1);
    expect(journal.inputs[0]).not.toMatchObject({ id: 'given' });
  });

  it('is the same in all passes, attempts and the hook, whatever the schema makes up', async () => {
    const seen: Order[] = [];
    const attempts = defineWorkflow<Order, void>('attempts', {
      registry: createRegistry(),
      input: NEW_ID,
      retries: { maxAttempts: 2, delay: 1 },
      handler: async (ctx) => {
        seen.push(ctx.input);
        if (ctx.run.attempt === 1) throw new Error('once');
        await ctx.step.waitFor('pause', '1h');
        throw new Error('twice');
      },
      onFailure: ({ input }) => void seen.push(input),
    });
    const engine = await startEngine({ workflows: [attempts] });
    await engine.client.run(attempts, { id: 'given' }, { runId: 'r' });
    await engine.hookEnded('r', 3_600_000);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    expect(seen[0].id).not.toBe('given');
    const inline = await runInline(attempts, { input: { id: 'given' } });
    expect(inline.succeeded).toBe(false);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(2);
  });

  it('is what its creator accepted, also where a worker with another schema has the first pass', async () => {
    const old = workflow('order', () => undefined, { input: AS_IT_IS });
    const current = workflow('order', (ctx: WorkflowContext<Order>) => ctx.input, { input: NEEDS_CURRENCY });
    const engine = await startEngine({ workflows: [current] });
    const handle = await engine.client.run(old, { id: 'given' });
    expect(await handle.result()).toEqual({ id: 'given' });
    expect(engine.logs.matching('warn', /refuses the input/)).toHaveLength(1);
  });

  it('waits for a schema that breaks down before anything of the run is stored', async () => {
    let outages = 1;
    const asked = schema((order) => {
      if (outages-- > 0) throw new Error('the database is away');
      return { ...order, currency: 'EUR' };
    });
    const old = workflow('order', () => undefined, { input: AS_IT_IS });
    const current = workflow('order', (ctx: WorkflowContext<Order>) => ctx.input, {
      input: asked,
      retries: { maxAttempts: 2, delay: 1 },
    });
    const engine = await startEngine({ workflows: [current] });
    expect(await (await engine.client.run(old, { id: 'given' })).result()).toEqual({ id: 'given', currency: 'EUR' });
  });

  it('is encrypted where the input is', async () => {
    const journal = new Journal();
    const codec = aesCodec();
    const engine = await startEngine({ workflows: [journal.order(NEW_ID)], client: { codec }, worker: { codec } });
    await engine.client.run('order', { id: 'given' }, { runId: 'r', allowUnknown: true });
    await engine.until('r', 'waiting');
    expect(await kept(engine, 'is')).toMatch(/^[~^]/);
    await engine.advance(3_600_000);
    await engine.hookEnded('r');
    expect(new Set(journal.inputs.map((input) => JSON.stringify(input))).size).toBe(1);
  });
});

describe('an input that nobody has judged', () => {
  it('is judged in the first pass, and fails the run without an attempt more', async () => {
    const journal = new Journal();
    const engine = await startEngine({ workflows: [journal.order(NEEDS_CURRENCY)] });
    const handle = await engine.client.run('order', { id: 'given' }, { allowUnknown: true });
    expect(await engine.failure(handle)).toMatchObject({ name: 'InputValidationError' });
    expect(await handle.getState()).toMatchObject({ attempt: 1 });
    expect(journal.effects).toEqual([]);
  });

  it('is judged again when the run is retried, since it was refused', async () => {
    const journal = new Journal();
    const engine = await startEngine({ workflows: [journal.order(NEEDS_CURRENCY)] });
    const handle = await engine.client.run('order', { id: 'given' }, { allowUnknown: true, runId: 'r' });
    await rejection(handle.result());
    await engine.hookEnded('r');
    await engine.client.retryRun('r');
    expect(await engine.failure(handle)).toMatchObject({ name: 'InputValidationError' });
  });

  it('is that of a schedule, which a tick creates without a look at it', async () => {
    const nightly = workflow('nightly', () => 'ran', {
      input: NEEDS_CURRENCY,
      cron: [{ id: 'night', expression: '0 0 * * *', input: { id: 'given' } }],
    });
    const engine = await startEngine({ workflows: [nightly] });
    await engine.advance(24 * 3_600_000);
    const ended = async () => (await engine.client.listRuns({ status: 'failed' })).items;
    let runs = await ended();
    while (runs.length === 0) runs = await ended();
    expect(runs[0].error).toMatchObject({ name: 'InputValidationError' });
  });

  it('cannot fail a run of which something is stored, as one whose workflow had no schema then', async () => {
    const journal = new Journal();
    const engine = await startEngine({ workflows: [journal.order(undefined)] });
    await engine.client.run('order', { id: 'given' }, { allowUnknown: true, runId: 'r' });
    await engine.until('r', 'waiting');
    await engine.worker.stop();
    await engine.advance(3_600_000);
    await engine.startWorker({ workflows: [journal.order(NEEDS_CURRENCY)] });
    expect(await engine.hookEnded('r')).toMatchObject({ error: { message: 'out of stock' } });
    expect(journal.effects).toEqual(['charge', 'refund']);
  });
});

describe('what is kept of an input', () => {
  it('is nothing where the schema gives the JSON that it was given, in whatever order', async () => {
    const journal = new Journal();
    const reordered = schema(({ id, ...rest }) => ({ ...rest, id }));
    const engine = await startEngine({ workflows: [journal.order(reordered)] });
    await engine.client.run('order', { id: 'given', cents: 5 }, { runId: 'r', allowUnknown: true });
    await engine.until('r', 'waiting');
    expect(await kept(engine, 'is')).toBeNull();
  });

  it('is stored together with the first thing that the run stores, not before: a crash until then leaves nothing', async () => {
    const seen: Array<string | null> = [];
    let engine: Engine | undefined;
    const look = async () => void seen.push(await kept(engine as Engine, 'is'));
    const looking = workflow(
      'looking',
      async (ctx: WorkflowContext<Order>) => {
        await ctx.step.run('first', look);
        await ctx.step.run('second', look);
        return ctx.input.id;
      },
      { input: NEW_ID },
    );
    engine = await startEngine({ workflows: [looking] });
    const id = await (await engine.client.run(looking, { id: 'given' }, { runId: 'r' })).result();
    expect(seen).toEqual([null, JSON.stringify({ id })]);
  });

  it('is nothing for a run that succeeds before it has stored anything', async () => {
    const echo = workflow('echo', (ctx: WorkflowContext<Order>) => ctx.input.id, { input: NEW_ID });
    const engine = await startEngine({ workflows: [echo] });
    const handle = await engine.client.run(echo, { id: 'given' }, { runId: 'r' });
    expect(await handle.result()).not.toBe('given');
    expect(await kept(engine, 'is')).toBeNull();
  });

  it('is nothing where the schema makes values that JSON has not: later passes make them again', async () => {
    const seen: unknown[] = [];
    const big = schema((order) => ({ ...order, cents: BigInt(order.cents ?? 0) }) as never);
    const flow = workflow(
      'big',
      async (ctx: WorkflowContext<Order>) => {
        seen.push(ctx.input.cents);
        await ctx.step.waitFor('pause', 1);
      },
      { input: big },
    );
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, { id: 'given', cents: 5 })).result();
    expect(new Set(seen)).toEqual(new Set([5n]));
    expect(engine.logs.matching('warn', /input/)).toEqual([]);
  });
});
