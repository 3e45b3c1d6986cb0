import { describe, expect, it } from '@jest/globals';
import {
  InputValidationError,
  InvalidOptionError,
  type StandardSchemaV1,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { informedClient, registryOf } from '../../support/informed-client.js';
import { expectNoKeys } from '../../support/namespace.js';
import { firedTimes, moveTo } from '../../support/schedule-engine.js';

interface Order {
  id: string;
}

const limited = workflow('limited', async (ctx: WorkflowContext<Order>) => ctx.input, {
  mutex: (order) => order.id,
  throttle: { key: (order) => `${order.id}!`, limit: 2, period: '1m' },
  event: [{ name: 'order.created' }],
  cron: [{ id: 'hourly', expression: '0 * * * *', input: { id: 'cron' } }],
});

const parent = workflow('parent', async (ctx) => {
  await ctx.step.emitWorkflow('emitted', limited, { id: 'emitted' });
  await ctx.step.emitEvent('event', 'order.created', { id: 'event' });
  await ctx.step.waitForAny('any', { slow: { for: '1d' }, child: { workflow: limited, input: { id: 'any' } } });
  await ctx.step.runWorkflow('run', limited, { id: 'run' });
});

/** Mutex key and throttle of every run of the workflow, as the claim finds them, oldest first. */
async function gates(engine: Engine): Promise<unknown[]> {
  const { items } = await engine.client.listRuns({ workflow: 'limited', sort: 'asc' });
  return Promise.all(items.map(({ id }) => engine.redis.hmget(engine.key(`run:${id}`), 'mx', 'th')));
}

const gatesFor = (...ids: string[]) => ids.map((id) => [id, `2,60000,${id}!`]);

describe('the keys of a run', () => {
  it('are asked by the client that creates it', async () => {
    const engine = await startEngine({ worker: false });
    const client = informedClient(engine, limited);
    await client.run(limited, { id: 'run' });
    await client.emitWorkflow('limited', { id: 'emitted' });
    await client.runMany(limited, [{ input: { id: 'a' } }, { input: { id: 'b' } }]);
    await client.emitEvent('order.created', { id: 'event' });
    expect(await gates(engine)).toEqual(gatesFor('run', 'emitted', 'a', 'b', 'event'));
  });

  it('are asked by the steps that create it', async () => {
    const engine = await startEngine({ registry: registryOf(limited, parent) });
    const handle = await engine.client.run(parent, undefined);
    await handle.result();
    expect(await gates(engine)).toEqual(gatesFor('emitted', 'event', 'any', 'run'));
  });

  it('are asked for ticks and for schedules that are triggered', async () => {
    const engine = await startEngine({ worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ workflows: [limited] });
    await informedClient(engine, limited).triggerSchedule('hourly');
    await moveTo(engine, '2040-01-10T08:00Z');
    await firedTimes(engine, 2);
    expect(await gates(engine)).toEqual(gatesFor('cron', 'cron'));
  });

  it('come from the input as the handler sees it', async () => {
    const seen: unknown[] = [];
    const trimming: StandardSchemaV1<unknown, Order> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: { id: (value as Order).id.trim() } }) },
    };
    const see = (input: unknown) => {
      seen.push(input);
      return undefined;
    };
    const engine = await startEngine({ worker: false });
    await engine.client.run(
      workflow('plain', () => undefined, { mutex: see }),
      { at: new Date(0), none: undefined },
    );
    await engine.client.run(
      workflow('validated', () => undefined, { mutex: see, input: trimming }),
      { id: ' a ' },
    );
    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, { id: 'a' }]);
  });

  it('that no key function gives put no limit on it', async () => {
    const engine = await startEngine({ worker: false });
    const free = workflow('limited', () => undefined, { mutex: () => undefined });
    await engine.client.run(free, undefined);
    expect(await gates(engine)).toEqual([[null, null]]);
  });
});

describe('a key function that throws', () => {
  const broken = workflow('broken', (_ctx: WorkflowContext<Order>) => 'never', {
    mutex: (order) => order.id.trim(),
    event: [{ name: 'order.created' }],
    cron: [{ id: 'hourly', expression: '0 * * * *' }],
  });

  it('refuses the create; nothing is written', async () => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(broken, {} as Order));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option: 'mutex', cause: expect.any(TypeError) });
    await rejection(engine.client.runMany(broken, [{ input: { id: 'a' } }, { input: {} as Order }]));
    await expectNoKeys(engine.prefix);
  });

  it('is a failed delivery of an event', async () => {
    const engine = await startEngine({ worker: false });
    const { event } = await informedClient(engine, broken).emitEventDetailed('order.created', {});
    expect(event).toMatchObject({ fanoutStatus: 'failed', deliveries: [{ error: { code: 'INVALID_OPTION', option: 'mutex' } }] });
  });

  it('is asked after the input is validated', async () => {
    const strict: StandardSchemaV1<unknown, Order> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    };
    const engine = await startEngine({ worker: false });
    const validated = workflow('validated', () => undefined, { input: strict, mutex: (order: Order) => order.id });
    expect(await rejection(engine.client.run(validated, {} as Order))).toBeInstanceOf(InputValidationError);
  });

  it('skips a tick, with a warning, and the worker starts', async () => {
    const engine = await startEngine({ worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ workflows: [broken] });
    await moveTo(engine, '2040-01-10T08:00Z');
    const [line] = await eventually(() => {
      const found = engine.logs.matching('warn', /tick/);
      if (found.length === 0) throw new Error('nothing is logged');
      return found;
    });
    expect(line.message).toMatch(
      /^A tick of a schedule is skipped, that of 2040-01-10T08:00:00.000Z: .*`mutex` of workflow "broken" threw/,
    );
    expect(line.fields).toMatchObject({ scheduleId: 'hourly', workflow: 'broken' });
    await eventually(async () => {
      const [schedule] = await engine.client.listSchedules();
      expect(schedule.nextAt).toBe(Date.parse('2040-01-10T09:00Z'));
      expect(schedule.lastAt).toBeUndefined();
    });
    expect((await engine.client.listRuns()).items).toEqual([]);
  });
});
