import { describe, expect, it } from '@jest/globals';
import { RateLimitedError, type WorkflowContext } from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { informedClient, registryOf } from '../../support/informed-client.js';

interface Order {
  customer: string;
}

const HOUR_MS = 3_600_000;
const orders = workflow('orders', async (ctx: WorkflowContext<Order>) => ctx.input.customer, {
  rateLimit: { key: (order) => order.customer, limit: 2, period: '1h' },
  event: [{ name: 'order.created' }],
});
const ada: Order = { customer: 'ada' };

async function full(engine: Engine): Promise<void> {
  for (let i = 0; i < 2; i++) await engine.client.run(orders, ada);
}

describe('rateLimit', () => {
  it('refuses creates beyond it, by key, and says when to come back', async () => {
    const engine = await startEngine({ workflows: [orders] });
    await full(engine);
    const error = (await rejection(engine.client.run(orders, ada))) as RateLimitedError;
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ code: 'RATE_LIMITED', workflow: 'orders', key: 'ada', limit: 2, period: HOUR_MS });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(error.retryAfterMs).toBeLessThanOrEqual(HOUR_MS);
    await engine.client.run(orders, { customer: 'bob' });
    await engine.advance(error.retryAfterMs);
    expect(await (await engine.client.run(orders, ada)).result()).toBe('ada');
    expect((await engine.client.listRuns()).items).toHaveLength(4);
  });

  it('is one for the whole workflow without a key', async () => {
    const engine = await startEngine({ worker: false });
    const keyless = workflow('keyless', () => undefined, { rateLimit: { limit: 1, period: '1h' } });
    await engine.client.run(keyless, 'a');
    expect(await rejection(engine.client.run(keyless, 'b'))).toMatchObject({ code: 'RATE_LIMITED', key: '' });
  });

  it('is free for creates that find their run', async () => {
    const engine = await startEngine({ worker: false });
    const first = await engine.client.run(orders, ada, { idempotencyKey: 'k' });
    const named = await engine.client.run(orders, ada, { runId: 'named' });
    for (let i = 0; i < 3; i++) {
      expect(await engine.client.run(orders, ada, { idempotencyKey: 'k' })).toMatchObject({ id: first.id, deduplicated: true });
      expect(await engine.client.run(orders, ada, { runId: 'named' })).toMatchObject({ id: named.id, deduplicated: true });
    }
    expect(await rejection(engine.client.run(orders, ada))).toBeInstanceOf(RateLimitedError);
  });

  it('counts what 200 concurrent creates of two clients make', async () => {
    const engine = await startEngine({ worker: false });
    const clients = [engine.client, engine.anotherClient()];
    const many = workflow('many', () => undefined, { rateLimit: { limit: 25, period: '1h' } });
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, index) => clients[index % 2].run(many, index)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(25);
    expect((await engine.client.listRuns({ limit: 100 })).items).toHaveLength(25);
  });

  it('rejects runMany() once all that it takes are created, and says how many', async () => {
    const engine = await startEngine({ worker: false });
    const items = ['ada', 'ada', 'ada', 'bob'].map((customer) => ({ input: { customer } }));
    const error = await rejection(engine.client.runMany(orders, items));
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      key: 'ada',
      created: 3,
      message: expect.stringContaining('3 of the runs'),
    });
    expect((await engine.client.listRuns()).items).toHaveLength(3);
  });

  it('makes an event a failed delivery with the same error', async () => {
    const engine = await startEngine({ worker: false });
    await full(engine);
    const { event, handles } = await informedClient(engine, orders).emitEventDetailed('order.created', ada);
    expect(handles).toEqual([]);
    const { error } = event.deliveries[0];
    const { message, name, ...fields } = new RateLimitedError({
      ...{ workflow: 'orders', key: 'ada', limit: 2, period: HOUR_MS, retryAfterMs: error?.retryAfterMs as number },
    });
    expect(error).toEqual({ name, message, ...fields });
  });

  describe('in a step that starts a child', () => {
    it('fails the attempt, and the next one comes when there is room again', async () => {
      const parent = workflow('parent', (ctx) => ctx.step.runWorkflow('child', orders, ada), { retries: { delay: 1 } });
      const engine = await startEngine({ registry: registryOf(parent, orders) });
      await full(engine);
      const handle = await engine.client.run(parent, undefined);
      const waiting = await engine.until(handle.id, 'waiting');
      expect(waiting.error).toMatchObject({ name: 'RateLimitedError', key: 'ada' });
      expect(waiting.availableAt - (await engine.now())).toBeGreaterThan(HOUR_MS / 2);
      await engine.advance(waiting.availableAt - (await engine.now()));
      expect(await handle.result()).toBe('ada');
      expect(await handle.getState()).toMatchObject({ attempt: 2 });
    });

    it.each<[string, (ctx: WorkflowContext<unknown>) => Promise<unknown>]>([
      ['runWorkflow', (ctx) => ctx.step.runWorkflow('child', orders, ada)],
      ['emitWorkflow', (ctx) => ctx.step.emitWorkflow('child', orders, ada)],
      ['waitForAny', (ctx) => ctx.step.waitForAny('child', { late: { for: '1d' }, kid: { workflow: orders, input: ada } })],
    ])('of %s may be caught, and stays that way', async (_kind, step) => {
      const parent = workflow('parent', async (ctx) => {
        const caught = await step(ctx).then(
          () => 'nothing',
          (error: RateLimitedError) => [error instanceof RateLimitedError, error.key, error.limit],
        );
        await ctx.step.waitFor('on', 1);
        return caught;
      });
      const engine = await startEngine({ registry: registryOf(parent, orders) });
      await full(engine);
      const handle = await engine.client.run(parent, undefined);
      await engine.until(handle.id, 'waiting', 'succeeded');
      await engine.advance(2 * HOUR_MS);
      expect(await handle.result()).toEqual([true, 'ada', 2]);
      expect((await engine.client.listRuns({ workflow: 'orders' })).items).toHaveLength(2);
    });
  });
});
