import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable } from '@nestjs/common';
import {
  currentRun,
  currentStep,
  type EventDefinition,
  InvalidOptionError,
  NestedStepError,
  OnEvent,
  RedflowSetupError,
  RunFailedError,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { bootError, definitionsOf, withApp } from '../fixtures.js';

interface Order {
  id: string;
}

const orderPaid: EventDefinition<Order> = { name: 'order.paid' };
const isLarge = () => true;

@OnEvent('order.*', { if: isLarge })
@Workflow({ name: 'ship', event: [{ name: 'stock.arrived' }] })
@OnEvent(orderPaid)
class ShipWorkflow {
  async run(ctx: WorkflowContext<Order>): Promise<string> {
    return ctx.input.id;
  }
}

@Injectable()
class Mails {
  private readonly word = 'thanks';

  @OnEvent(orderPaid, { queue: 'mails', maxAttempts: 5, tags: { team: 'mail' } })
  async thank(order: Order, ctx: WorkflowContext<Order>): Promise<unknown> {
    const mail = await ctx.step.run('mail', () => `${this.word} for ${order.id}`);
    return { mail, run: ctx.run.id, same: currentRun()?.run.id === ctx.run.id, queue: ctx.run.queue };
  }

  @OnEvent('order.created', { name: 'note', if: isLarge })
  @OnEvent('order.changed', { queue: 'notes' })
  @OnEvent('order.**')
  note(order: Order): string {
    return `${this.word} ${order.id}`;
  }

  get unread(): never {
    throw new Error('a getter was called');
  }
}

const optionsOf = async (metadata: Parameters<typeof definitionsOf>[0], name: string) =>
  (await definitionsOf(metadata)).get(name)?.options;

describe('@OnEvent() on a workflow class', () => {
  it('adds triggers after those of @Workflow(), in any order of the decorators', async () => {
    expect(await optionsOf({ providers: [ShipWorkflow] }, 'ship')).toEqual({
      event: [{ name: 'stock.arrived' }, { name: 'order.*', if: isLarge }, { name: 'order.paid' }],
    });
  });

  it('is inherited with @Workflow(), and what a subclass adds comes after it', async () => {
    @OnEvent('order.late')
    class LateShipWorkflow extends ShipWorkflow {}
    const options = await optionsOf({ providers: [LateShipWorkflow] }, 'ship');
    expect(options?.event?.map(({ name }) => name)).toEqual(['stock.arrived', 'order.*', 'order.paid', 'order.late']);
  });

  it('is inherited from a base class that is no workflow, not from another workflow', async () => {
    @OnEvent('audit.**')
    abstract class Audited {
      abstract run(ctx: WorkflowContext<Order>): Promise<string>;
    }
    @Workflow('audited')
    class AuditedWorkflow extends Audited {
      async run(ctx: WorkflowContext<Order>): Promise<string> {
        return ctx.input.id;
      }
    }
    @Workflow('renamed')
    class RenamedWorkflow extends AuditedWorkflow {}
    const definitions = await definitionsOf({ providers: [AuditedWorkflow, RenamedWorkflow] });
    expect(definitions.get('audited')?.options.event).toEqual([{ name: 'audit.**' }]);
    expect(definitions.get('renamed')?.options.event).toBeUndefined();
  });

  it('gives way to the configuration', async () => {
    const event = [{ name: 'order.shipped' }];
    const definitions = await definitionsOf({ providers: [ShipWorkflow] }, { redflow: { workflows: { ship: { event } } } });
    expect(definitions.get('ship')?.options.event).toEqual(event);
  });

  it('is refused when the class is no workflow', async () => {
    @OnEvent('order.paid')
    class Lonely {
      async run(): Promise<void> {}
    }
    const error = await bootError({ providers: [Lonely] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      '@OnEvent("order.paid") is on class "Lonely" (module "RootTestModule"), which is no workflow. Add @Workflow() to the class, or ' +
        'put the decorator on a method.',
    );
  });

  it('refuses options of the workflow, and those that do not exist', async () => {
    const decorate = (options: object) => {
      class Decorated {
        async run(): Promise<void> {}
      }
      Workflow('decorated')(Decorated);
      OnEvent('order.paid', options)(Decorated);
      return bootError({ providers: [Decorated] });
    };
    expect((await decorate({ queue: 'fast' })).message).toBe(
      '@OnEvent("order.paid") on class "Decorated" has the option "queue", which is the workflow\'s. Put it in @Workflow({ queue }).',
    );
    const error = await decorate({ iff: isLarge });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/has the unsupported option "iff"\. Did you mean "if"\? Supported options are: if\.$/);
  });
});

describe('@OnEvent() on a method', () => {
  it('makes it a workflow named ClassName.method, called with (input, ctx)', async () => {
    await withApp({ providers: [Mails] }, async ({ client }) => {
      const handle = await client.runByName('Mails.thank', { id: 'o1' });
      expect(await handle.result()).toEqual({ mail: 'thanks for o1', run: handle.id, same: true, queue: 'mails' });
      expect(await handle.getState()).toMatchObject({ workflow: 'Mails.thank', maxAttempts: 5, tags: { team: 'mail' } });
    });
  });

  it('makes one workflow of several triggers, with the options of all of them', async () => {
    expect(await optionsOf({ providers: [Mails] }, 'note')).toEqual({
      queue: 'notes',
      event: [{ name: 'order.created', if: isLarge }, { name: 'order.changed' }, { name: 'order.**' }],
    });
  });

  it('refuses two values of one option', async () => {
    @Injectable()
    class Torn {
      @OnEvent('order.created', { name: 'one' })
      @OnEvent('order.changed', { name: 'two' })
      handle(): void {}
    }
    const error = await bootError({ providers: [Torn] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      'Option "name" of method "Torn.handle" (module "RootTestModule") has different values in @OnEvent("order.created") and ' +
        '@OnEvent("order.changed"). Together they make one workflow: set it in one of them.',
    );
  });

  it('names the method when an option does not exist, or has a value the engine refuses', async () => {
    const decorated = (options: object) => {
      class Misspelt {
        handle(): void {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(Misspelt.prototype, 'handle') as TypedPropertyDescriptor<() => void>;
      OnEvent('order.paid', options)(Misspelt.prototype, 'handle', descriptor);
      return bootError({ providers: [Misspelt] });
    };
    const error = await decorated({ maxAtempts: 3 });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(
      /^@OnEvent\("order\.paid"\) on method "Misspelt\.handle" \(module "RootTestModule"\) has the unsupported option "maxAtempts"\. Did you mean "maxAttempts"\? Supported options are: if, name, /,
    );
    const refused = await decorated({ name: 'misspelt', maxAttempts: 0 });
    expect(refused).toBeInstanceOf(InvalidOptionError);
    expect(refused.message).toMatch(/maxAttempts.*\(on method "Misspelt\.handle" \(module "RootTestModule"\)\)$/);
  });

  it('obeys defaults and overrides from the configuration', async () => {
    const redflow = { defaults: { version: 'v7', queue: 'never' }, workflows: { 'Mails.thank': { maxAttempts: 9 } } };
    const definitions = await definitionsOf({ providers: [Mails] }, { redflow });
    expect(definitions.get('Mails.thank')?.options).toMatchObject({ version: 'v7', queue: 'mails', maxAttempts: 9 });
  });

  it('stands beside the workflow that its class is', async () => {
    @Workflow('both')
    class BothWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return 'run';
      }

      @OnEvent('order.paid', { name: 'beside' })
      beside(order: Order): string {
        return `beside ${order.id}`;
      }
    }
    await withApp({ providers: [BothWorkflow] }, async ({ client }) => {
      expect(await (await client.run(BothWorkflow, undefined)).result()).toBe('run');
      expect(await (await client.runByName('beside', { id: 'o1' })).result()).toBe('beside o1');
    });
  });

  it('is refused on the run() of a workflow class', async () => {
    @Workflow('running')
    class RunningWorkflow {
      @OnEvent('order.paid')
      async run(): Promise<void> {}
    }
    const error = await bootError({ providers: [RunningWorkflow] });
    expect(error.message).toBe(
      '@OnEvent("order.paid") is on method "RunningWorkflow.run" (module "RootTestModule"), which @Workflow() executes already. ' +
        'Put it on the class.',
    );
  });

  it('is refused on a controller, as is one on its class', async () => {
    @Controller()
    class OrdersController {
      @OnEvent('order.paid')
      paid(): void {}
    }
    expect((await bootError({ controllers: [OrdersController] })).message).toBe(
      '@OnEvent("order.paid") is on method "OrdersController.paid", a controller\'s. Move it to a provider: an @Injectable() class ' +
        'listed in providers.',
    );
    @Controller()
    @OnEvent('order.paid')
    class RunningController {
      async run(): Promise<void> {}
    }
    const error = await bootError({ controllers: [RunningController] });
    expect(error.message).toMatch(/^@OnEvent\("order\.paid"\) is on class "RunningController", a controller's\./);
  });
});

describe('a method that is both @OnEvent() and @Step()', () => {
  @Injectable()
  class Payments {
    @OnEvent('order.placed')
    @Step({ name: (order: Order) => `charge ${order.id}` })
    async charge(order: Order): Promise<string> {
      return `${order.id} ${currentStep() !== undefined}`;
    }

    @Step()
    @OnEvent('order.delayed', { maxAttempts: 1 })
    async delay(_order: Order, ctx: WorkflowContext<Order>): Promise<void> {
      await ctx.step.waitFor('a while', 1);
    }
  }

  it('is one durable step of its own run, wherever the decorators stand', async () => {
    await withApp({ providers: [Payments] }, async ({ client }) => {
      const handle = await client.runByName('Payments.charge', { id: 'o1' });
      expect(await handle.result()).toBe('o1 true');
      expect((await client.getRunSteps(handle.id)).map(({ name }) => name)).toEqual(['charge o1']);
    });
  });

  it('cannot wait, since it is a step', async () => {
    await withApp({ providers: [Payments] }, async ({ client }) => {
      const handle = await client.runByName('Payments.delay', { id: 'o1' });
      const failure: unknown = await handle.result().catch((error) => error);
      expect((failure as RunFailedError).cause).toBeInstanceOf(NestedStepError);
    });
  });
});
