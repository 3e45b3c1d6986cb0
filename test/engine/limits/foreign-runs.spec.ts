import { describe, expect, it } from '@jest/globals';
import {
  RateLimitedError,
  RunCanceledError,
  type RunHandle,
  type StandardSchemaV1,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { gate, once, rejection, startEngine, workflow } from '../../support/engine.js';
import { informedClient } from '../../support/informed-client.js';

interface Order {
  id: string;
}

const HOUR_MS = 3_600_000;
const order: Order = { id: 'a' };

// The clients of these tests know no definition: the first worker that claims a run asks it.
describe('a run whose creator does not know its workflow', () => {
  it('waits for its mutex', async () => {
    const opened = gate();
    const running: string[] = [];
    const exclusive = workflow(
      'exclusive',
      async (ctx: WorkflowContext<Order>) => {
        running.push(ctx.run.id);
        await opened.promise;
      },
      { mutex: ({ id }) => id },
    );
    const engine = await startEngine({ workflows: [exclusive] });
    const handles: RunHandle[] = [];
    for (const runId of ['r1', 'r2']) handles.push(await engine.client.runByName('exclusive', order, { runId }));
    const blocked = await once(async () => {
      const runs = await Promise.all(handles.map((handle) => handle.getState()));
      return runs.find((run) => run.blockedBy === 'mutex') ?? false;
    });
    expect(running).toHaveLength(1);
    expect(running).not.toContain(blocked.id);
    opened.open();
    for (const handle of handles) await handle.result();
    expect(running).toHaveLength(2);
    for (const { id } of handles)
      expect((await engine.client.getRunAttempts(id)).map(({ outcome }) => outcome)).toEqual(['succeeded']);
  });

  it('fails when it is over the rate limit: it is not retried, and onFailure is not called', async () => {
    const calls: string[] = [];
    const limited = workflow('limited', (ctx: WorkflowContext<Order>) => void calls.push(ctx.run.id), {
      rateLimit: { key: ({ id }) => id, limit: 1, period: '1h' },
    });
    const engine = await startEngine({ workflows: [limited] });
    await (await engine.client.runByName('limited', order)).result();
    const second = await engine.client.runByName('limited', order);
    const error = await engine.failure(second);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ workflow: 'limited', key: 'a', limit: 1, period: HOUR_MS });
    expect(await second.getState()).toMatchObject({ status: 'failed', attempt: 1 });
    expect(await rejection(informedClient(engine, limited).run(limited, order))).toBeInstanceOf(RateLimitedError);
    expect(calls).toHaveLength(1);
    // A retry asks again.
    await engine.advance(HOUR_MS);
    await (await engine.client.retryRun(second.id)).result();
    expect(calls).toEqual([expect.any(String), second.id]);
  });

  it('is debounced: it is delayed, or joins the run that is pending', async () => {
    const index = workflow('index', async (ctx: WorkflowContext<Order>) => ctx.input.id, {
      debounce: { key: () => 'k', period: '1h' },
    });
    const engine = await startEngine({ workflows: [index] });
    const first = await engine.client.runByName('index', { id: '1' });
    await engine.until(first.id, 'scheduled');
    const second = await engine.client.runByName('index', { id: '2' });
    const error = await rejection(second.result());
    expect(error).toBeInstanceOf(RunCanceledError);
    expect(error.message).toContain(`run "${first.id}" has taken its input`);
    await engine.advance(HOUR_MS);
    expect(await first.result()).toBe('2');
  });

  it('is a delivery like any other when an event made it', async () => {
    const limited = workflow('limited', async (ctx: WorkflowContext<Order>) => ctx.event?.id, {
      rateLimit: { limit: 1, period: '1h' },
      mutex: ({ id }) => id,
      event: [{ name: 'order.created' }],
    });
    const engine = await startEngine({ workflows: [limited] });
    const [handle] = await engine.client.emitEvent('order.created', order, { eventId: 'e1' });
    expect(await handle.result()).toBe('e1');
    const [refused] = await engine.client.emitEvent('order.created', order, { eventId: 'e2' });
    expect(await engine.failure(refused)).toBeInstanceOf(RateLimitedError);
    expect(await engine.client.getEvent('e2')).toMatchObject({ fanoutStatus: 'failed', deliveries: [{ error: { limit: 1 } }] });
  });

  it('fails when a key function throws, at once', async () => {
    const broken = workflow('broken', () => 'never', { mutex: (input: Order) => input.id.trim() });
    const engine = await startEngine({ workflows: [broken] });
    const handle = await engine.client.runByName('broken', {});
    expect(await engine.failure(handle)).toMatchObject({ code: 'INVALID_OPTION', option: 'mutex', cause: expect.any(TypeError) });
    expect(await handle.getState()).toMatchObject({ attempt: 1 });
  });

  it('is not executed past a schema that fails for a while', async () => {
    let isDown = true;
    const seen: string[] = [];
    const flaky: StandardSchemaV1<unknown, Order> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          if (!isDown) return { value: value as Order };
          isDown = false;
          throw new Error('down');
        },
      },
    };
    const guarded = workflow(
      'guarded',
      async (ctx: WorkflowContext<Order>) =>
        void seen.push((await engine.redis.hget(engine.key(`run:${ctx.run.id}`), 'hg')) ?? ''),
      { input: flaky, mutex: ({ id }) => id, retries: { delay: 1 } },
    );
    const engine = await startEngine({ workflows: [guarded] });
    const handle = await engine.client.runByName('guarded', order);
    await handle.result();
    expect(await handle.getState()).toMatchObject({ attempt: 2 });
    expect(seen).toEqual(['m']);
  });

  it('fails with its invalid input, for which no key function is asked', async () => {
    const strict: StandardSchemaV1<unknown, Order> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    };
    const asked: unknown[] = [];
    const validated = workflow('validated', () => 'never', { input: strict, mutex: (input) => void asked.push(input) as never });
    const engine = await startEngine({ workflows: [validated] });
    expect(await engine.failure(await engine.client.runByName('validated', order))).toMatchObject({ code: 'INPUT_VALIDATION' });
    expect(asked).toEqual([]);
  });

  it('that has begun is left alone by limits of a later deployment', async () => {
    const sleepy = (options: object) =>
      workflow(
        'sleepy',
        async (ctx) => {
          await ctx.step.waitFor('on', '1h');
          return 'done';
        },
        options,
      );
    const engine = await startEngine({ workflows: [sleepy({})] });
    const handles = [await engine.client.runByName('sleepy', 1), await engine.client.runByName('sleepy', 2)];
    for (const { id } of handles) await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.startWorker({
      workflows: [sleepy({ rateLimit: { limit: 1, period: '1d' }, debounce: { key: () => 'k', period: 1 } })],
    });
    await engine.advance(HOUR_MS);
    for (const handle of handles) expect(await handle.result()).toBe('done');
  });
});
