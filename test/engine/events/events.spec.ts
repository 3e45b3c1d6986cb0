import { describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineEvent,
  defineWorkflow,
  type FailureContext,
  InputValidationError,
  type ReceivedEvent,
  RunCanceledError,
  type StandardSchemaV1,
  startWorker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { rejection, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { informedClient } from '../../support/informed-client.js';
import { testRedisUrl } from '../../support/namespace.js';

interface Order {
  orderId: string;
  cents: number;
}

const positive: StandardSchemaV1<unknown, Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      (value as Order).cents > 0
        ? { value: { ...(value as Order), cents: (value as Order).cents } }
        : { issues: [{ message: 'must be positive', path: ['cents'] }] },
  },
};

const analytics = workflow('analytics', async (ctx: WorkflowContext<Order>) => ({ event: ctx.event, input: ctx.input }), {
  event: [{ name: 'order.*' }],
  queue: 'slow',
});
const mail = workflow('mail', async (ctx: WorkflowContext<Order>) => `mail for ${ctx.input.orderId}`, {
  event: [{ name: 'order.created' }],
});
const big = workflow('big', async (ctx: WorkflowContext<Order>) => ctx.input.cents, {
  event: [{ name: 'order.created', if: ({ data }) => data.cents > 100 }],
});
const strict = workflow('strict', async (ctx: WorkflowContext<Order>) => ctx.input.cents, {
  event: [{ name: 'order.created' }],
  input: positive,
});
const broken = workflow('broken', async () => 'never', {
  event: [
    {
      name: 'order.created',
      if: () => {
        throw new TypeError('no such field');
      },
    },
  ],
});

const all = [analytics, mail, big, strict, broken];

const statusesOf = (event: { deliveries: Array<{ workflow: string; status: string }> }) =>
  Object.fromEntries(event.deliveries.map(({ workflow, status }) => [workflow, status]));

describe('client.emitEvent()', () => {
  it('creates one run per subscriber, with the data as its input and the envelope as ctx.event', async () => {
    const engine = await startEngine({ workflows: [analytics, mail] });
    const handles = await engine.client.emitEvent('order.created', { orderId: 'o1', cents: 5 }, { eventId: 'e1', ts: 1_000 });
    expect(handles).toHaveLength(2);
    const outputs = await Promise.all(handles.map((handle) => handle.result()));
    const event = { id: 'e1', name: 'order.created', ts: 1_000, data: { orderId: 'o1', cents: 5 } };
    expect(outputs).toEqual([{ event, input: event.data }, 'mail for o1']);
    expect(await handles[0].getState()).toMatchObject({ trigger: 'event', eventId: 'e1', queue: 'slow' });
    expect((await engine.client.emitEvent('order.paid', { orderId: 'o1' })).map(({ id }) => id)).toHaveLength(1);
    expect(await engine.client.emitEvent('order', null)).toEqual([]);
  });

  it('answers the first result to a second emit with the id, whatever its data', async () => {
    const engine = await startEngine({ workflows: [mail] });
    const first = await engine.client.emitEventDetailed('order.created', { orderId: 'o1' }, { eventId: 'e1' });
    const second = await engine.client.emitEventDetailed('other', { orderId: 'o2' }, { eventId: 'e1' });
    expect(first.deduplicated).toBe(false);
    expect(second.deduplicated).toBe(true);
    expect(second.event).toEqual(first.event);
    expect(second.handles.map(({ id, deduplicated }) => [id, deduplicated])).toEqual([[first.handles[0].id, true]]);
    expect((await engine.client.listRuns({ workflow: 'mail' })).items).toHaveLength(1);
  });

  it('asks filters and schemas before anything is created, where it knows the subscribers', async () => {
    const engine = await startEngine({ workflows: all, worker: false });
    const client = informedClient(engine, ...all);
    const { event, handles } = await client.emitEventDetailed('order.created', { orderId: 'o1', cents: -5 });
    expect(statusesOf(event)).toEqual({
      analytics: 'delivered',
      mail: 'delivered',
      big: 'skipped',
      strict: 'failed',
      broken: 'failed',
    });
    expect(event).toMatchObject({ subscriberCount: 5, deliveryCount: 2, failedDeliveryCount: 2, fanoutStatus: 'partial' });
    expect(handles).toHaveLength(2);
    expect((await client.listRuns()).items).toHaveLength(2);
    const errors = Object.fromEntries(event.deliveries.map(({ workflow, error }) => [workflow, error?.name]));
    expect(errors).toMatchObject({ strict: 'InputValidationError', broken: 'TypeError' });
  });

  it('leaves them to the first worker where it does not, before the handler starts', async () => {
    const started: string[] = [];
    const hooks: FailureContext[] = [];
    const registry = createRegistry();
    for (const { name, options, handler } of all) {
      defineWorkflow(name, {
        ...options,
        registry,
        handler: (ctx) => {
          started.push(name);
          return handler(ctx as WorkflowContext<never>);
        },
        onFailure: (ctx) => hooks.push(ctx),
      });
    }
    const engine = await startEngine({ registry });
    const { handles, event } = await engine.client.emitEventDetailed('order.created', { orderId: 'o1', cents: -5 });
    expect(event.fanoutStatus).toBe('complete');
    const outcomes = await Promise.allSettled(handles.map((handle) => handle.result()));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    const settled = await engine.client.getEvent(event.id);
    expect(settled && statusesOf(settled)).toEqual({
      analytics: 'delivered',
      mail: 'delivered',
      big: 'skipped',
      strict: 'failed',
      broken: 'failed',
    });
    expect(settled).toMatchObject({ deliveryCount: 2, failedDeliveryCount: 2, fanoutStatus: 'partial' });
    const idOf = (name: string) => settled?.deliveries.find(({ workflow }) => workflow === name)?.runId as string;
    expect(await rejection(engine.client.getHandle(idOf('big')).result())).toBeInstanceOf(RunCanceledError);
    expect(await engine.failure(engine.client.getHandle(idOf('strict')))).toBeInstanceOf(InputValidationError);
    expect(await engine.failure(engine.client.getHandle(idOf('broken')))).toMatchObject({ message: 'no such field' });
    expect(started.sort()).toEqual(['analytics', 'mail']);
    expect(hooks).toEqual([]);
  });

  it('checks typed data at the emitter and stores what the schema made of it', async () => {
    const engine = await startEngine({ workflows: [mail] });
    const created = defineEvent<Order>('order.created', { schema: positive });
    const refused = await rejection(engine.client.emitEvent(created, { orderId: 'o1', cents: 0 }));
    expect(refused).toMatchObject({
      name: 'InputValidationError',
      event: 'order.created',
      issues: [{ path: 'cents', message: 'must be positive' }],
    });
    expect((await engine.client.listEvents()).items).toEqual([]);
    const [handle] = await engine.client.emitEvent(created, { orderId: 'o1', cents: 1 });
    expect(await handle.result()).toBe('mail for o1');
  });

  it('refuses wildcards, bad ids, keys, times and options, and writes nothing', async () => {
    const engine = await startEngine({ worker: false });
    const emit = (name: string, options: object) => rejection(engine.client.emitEvent(name, 1, options));
    for (const [name, options, message] of [
      ['order.*', {}, /stands for several/],
      ['', {}, /event name/],
      ['a', { eventId: '' }, /eventId/],
      ['a', { correlationKey: 'x'.repeat(513) }, /512 bytes/],
      ['a', { ts: Number.NaN }, /`ts`/],
      ['a', { id: 'x' }, /Unsupported option 'id'/],
    ] as const) {
      expect(await emit(name, options)).toMatchObject({ name: 'InvalidOptionError', message: expect.stringMatching(message) });
    }
    expect(await rejection(engine.client.emitEvent('a', 1n))).toMatchObject({ name: 'SerializationError' });
    expect(await engine.redis.keys(engine.key('*'))).toEqual([]);
  });

  it('takes data at the size limit and not one byte more', async () => {
    const engine = await startEngine({ worker: false, client: { maxPayloadBytes: 10 } });
    await engine.client.emitEvent('a', '12345678');
    expect(await rejection(engine.client.emitEvent('a', '123456789'))).toMatchObject({ name: 'PayloadTooLargeError', bytes: 11 });
  });
});

describe('event records', () => {
  it('are listed newest first, by name, and deleted after their retention', async () => {
    const engine = await startEngine({ workflows: [mail], client: { retention: '1h' } });
    for (const id of ['a', 'b', 'c']) await engine.client.emitEvent('order.created', { orderId: id }, { eventId: id });
    await engine.client.emitEvent('other', null, { eventId: 'd' });
    const page = await engine.client.listEvents({ name: 'order.created', limit: 2 });
    expect(page.items.map(({ id }) => id)).toEqual(['c', 'b']);
    const rest = await engine.client.listEvents({ name: 'order.created', limit: 2, cursor: page.cursor });
    expect(rest).toEqual({ items: [expect.objectContaining({ id: 'a' })] });
    expect(await engine.client.getEvent('nope')).toBeNull();
    await engine.advance(2 * 3_600_000);
    expect(await engine.client.cleanupExpiredEventsNow({ limit: 3 })).toEqual({ deleted: 3 });
    expect(await engine.client.cleanupExpiredEventsNow()).toEqual({ deleted: 1 });
    expect((await engine.client.listEvents({ sort: 'asc' })).items).toEqual([]);
    expect((await engine.client.emitEventDetailed('order.created', { orderId: 'a' }, { eventId: 'a' })).deduplicated).toBe(false);
  });

  it('name their subscribers before anything is emitted', async () => {
    const engine = await startEngine({ workflows: [analytics, mail, big] });
    expect(await engine.client.listEventDefinitions()).toEqual([
      { name: 'order.*', subscribers: ['analytics'] },
      { name: 'order.created', subscribers: ['big', 'mail'] },
    ]);
  });
});

describe('step.emitEvent()', () => {
  it('emits once per run and step, through retries, and answers the ids of the runs', async () => {
    const ids: string[][] = [];
    const emitter = workflow(
      'emitter',
      async (ctx: WorkflowContext) => {
        ids.push(await ctx.step.emitEvent('emit', 'order.created', { orderId: 'o1', cents: 1 }));
        if (ctx.run.attempt === 1) throw new Error('again');
        return ids.length;
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [emitter, mail] });
    const handle = await engine.client.run(emitter, undefined);
    await handle.result();
    expect(new Set(ids.map((one) => one.join()))).toHaveProperty('size', 1);
    expect(await engine.client.getHandle(ids[0][0]).result()).toBe('mail for o1');
    expect((await engine.client.listEvents()).items).toHaveLength(1);
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([{ name: 'emit', kind: 'emit_event', output: ids[0] }]);
  });

  it('resumes a waiting run, takes an event id, and answers an empty list without subscribers', async () => {
    const waiter = workflow('waiter', (ctx: WorkflowContext<string>) =>
      ctx.step.waitForEvent('wait', { event: 'done', correlationKey: ctx.input }),
    );
    const emitter = workflow('emitter', (ctx: WorkflowContext<string>) =>
      ctx.step.emitEvent('emit', 'done', { n: 1 }, { correlationKey: ctx.input, eventId: `done:${ctx.input}` }),
    );
    const engine = await startEngine({ workflows: [waiter, emitter] });
    const waiting = await engine.client.run(waiter, 'k');
    await engine.until(waiting.id, 'waiting');
    expect(await (await engine.client.run(emitter, 'k')).result()).toEqual([]);
    expect((await waiting.result()) as ReceivedEvent).toMatchObject({ id: 'done:k', data: { n: 1 } });
    expect(await (await engine.client.run(emitter, 'k')).result()).toEqual([]);
    expect(await engine.client.getEvent('done:k')).toMatchObject({ resumedRunIds: [waiting.id] });
  });

  it('fails the step when the data is refused', async () => {
    const created = defineEvent<Order>('order.created', { schema: positive });
    const emitter = workflow('emitter', (ctx: WorkflowContext) =>
      ctx.step.emitEvent('emit', created, { orderId: 'x', cents: 0 }),
    );
    const engine = await startEngine({ workflows: [emitter] });
    expect(await engine.failure(await engine.client.run(emitter, undefined))).toMatchObject({ name: 'InputValidationError' });
    expect((await engine.client.listEvents()).items).toEqual([]);
  });

  it('reaches more subscribers than one call does', async () => {
    const registry = createRegistry();
    for (let index = 0; index < 230; index++) {
      defineWorkflow(`w${index}`, { registry, event: [{ name: 'tick' }], handler: async () => index });
    }
    defineWorkflow('emitter', { registry, handler: (ctx) => ctx.step.emitEvent('emit', 'tick', null) });
    const engine = await startEngine({ worker: false });
    const worker = await startWorker({ url: testRedisUrl(), prefix: engine.prefix, registry, concurrency: 50 });
    whenTestEnds(() => worker.stop({ timeoutMs: 0 }));
    const ids = (await (await engine.client.runByName('emitter', null)).result()) as string[];
    const outputs = await Promise.all(ids.map((id) => engine.client.getHandle<number>(id).result()));
    expect(new Set(outputs).size).toBe(230);
    const [event] = (await engine.client.listEvents()).items;
    expect(event).toMatchObject({ subscriberCount: 230, deliveryCount: 230, fanoutStatus: 'complete' });
  });
});
