import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  defineEvent,
  type FailureContext,
  OnCron,
  OnEvent,
  OnFailure,
  type RedflowClient,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { plainClient } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { testPrefix } from '../../support/namespace.js';
import { withApp } from '../fixtures.js';

interface Order {
  orderId: string;
  cents: number;
}

const orderCreated = defineEvent<Order>('order.created');

@Injectable()
class Mailer {
  readonly sent: string[] = [];

  @Step({ name: (to: string) => `mail ${to}` })
  async send(to: string): Promise<string> {
    this.sent.push(to);
    return `mailed ${to}`;
  }
}

@Workflow('track-order')
@OnEvent('order.*')
class TrackOrder {
  async run(ctx: WorkflowContext<Order>): Promise<string> {
    return `${ctx.event?.name} ${ctx.input.orderId}`;
  }
}

@Injectable()
class CustomerMails {
  constructor(private readonly mailer: Mailer) {}

  @OnEvent(orderCreated, { name: 'thank-customer', if: ({ data }) => data.cents > 0 })
  thank(order: Order, ctx: WorkflowContext<Order>): Promise<string> {
    return this.mailer.send(`${order.orderId} ${ctx.event?.id}`);
  }

  @OnCron('0 6 * * *', { id: 'digest', input: { region: 'eu' }, name: 'digest' })
  digest(input: { region: string }, ctx: WorkflowContext): Promise<string> {
    return this.mailer.send(`${input.region} ${new Date(ctx.schedule?.instant ?? 0).getUTCHours()}`);
  }
}

@Workflow({ name: 'ship', maxAttempts: 1 })
class Ship {
  constructor(private readonly mailer: Mailer) {}

  async run(_ctx: WorkflowContext<Order>): Promise<void> {
    throw new RangeError('no carrier');
  }

  @OnFailure()
  async apologise({ input, error, run }: FailureContext<Order>): Promise<void> {
    await this.mailer.send(`${input.orderId} ${error.message} ${run.status}`);
  }
}

const metadata = { providers: [Mailer, TrackOrder, CustomerMails, Ship] };
const outputs = async (client: RedflowClient, ids: string[]) => Promise.all(ids.map((id) => client.getHandle(id).result()));

describe('@OnEvent()', () => {
  it('starts a run of the class and of the method, with providers injected and filters asked', async () => {
    await withApp(metadata, async ({ client, module }) => {
      const handles = await client.emitEvent(orderCreated, { orderId: 'o1', cents: 5 }, { eventId: 'e1' });
      const found = await outputs(
        client,
        handles.map(({ id }) => id),
      );
      expect(found.sort()).toEqual(['mailed o1 e1', 'order.created o1']);
      expect(module.get(Mailer).sent).toEqual(['o1 e1']);
      const free = await client.emitEventDetailed(orderCreated, { orderId: 'o2', cents: 0 });
      expect(free.event.deliveries.map(({ workflow, status }) => [workflow, status])).toEqual([
        ['thank-customer', 'skipped'],
        ['track-order', 'delivered'],
      ]);
      expect(await client.listEventDefinitions()).toEqual([
        { name: 'order.*', subscribers: ['track-order'] },
        { name: 'order.created', subscribers: ['thank-customer'] },
      ]);
    });
  });
});

describe('@OnCron()', () => {
  it('starts a run of the method at the tick', async () => {
    const prefix = `redflow-test:${testPrefix()}`;
    const redflow = { prefix, worker: { blockTimeoutMs: 50 } };
    const use = async ({ client }: { client: RedflowClient }) => {
      const [schedule] = await client.listSchedules();
      expect(schedule).toMatchObject({ id: 'digest', workflow: 'digest', expression: '0 6 * * *', timezone: 'UTC' });
      await plainClient().incrby(`{${prefix}}:clock`, (schedule.nextAt as number) - Date.now() + 1_000);
      const run = await eventually(async () => {
        const [found] = (await client.listRuns({ workflow: 'digest' })).items;
        if (!found) throw new Error('no run yet');
        return found;
      });
      expect(await client.getHandle(run.id).result()).toBe('mailed eu 6');
      expect(run).toMatchObject({ trigger: 'cron' });
      expect(await (await client.triggerSchedule('digest')).result()).toMatch(/^mailed eu/);
    };
    await withApp(metadata, use, { redflow });
  });
});

describe('@OnFailure()', () => {
  it('is called once the run has failed for good, with durable steps', async () => {
    await withApp(metadata, async ({ client, module }) => {
      const handle = await client.run(Ship, { orderId: 'o1', cents: 5 });
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'RangeError', message: 'no carrier' } });
      await eventually(async () => {
        expect((await handle.getState()).failureHook).toEqual({ status: 'succeeded' });
      });
      expect(module.get(Mailer).sent).toEqual(['o1 no carrier failed']);
    });
  });
});
