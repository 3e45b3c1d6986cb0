import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { currentStep, type RedflowClient, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { withApp } from '../fixtures.js';

const calls: string[] = [];

@Injectable()
class PaymentService {
  private readonly fee = 1;

  @Step()
  async charge(amount: number): Promise<number> {
    calls.push(`charge ${amount}`);
    return amount + this.fee;
  }

  @Step({ name: (id: string, index: number) => `ship ${index}: ${id}` })
  async ship(id: string, _index: number): Promise<string> {
    return `${id}!`;
  }

  @Step('outer')
  async outer(amount: number): Promise<{ charged: number; step?: string }> {
    return { charged: await this.charge(amount), step: currentStep()?.idempotencyKey };
  }

  @Step({ name: 'flaky', retries: { maxAttempts: 3, delay: 1 } })
  async flaky(): Promise<number> {
    calls.push('flaky');
    if (calls.filter((call) => call === 'flaky').length < 3) throw new Error('not yet');
    return 7;
  }
}

@Workflow({ retries: { maxAttempts: 2, delay: 1 } })
class ChargeWorkflow {
  constructor(private readonly payments: PaymentService) {}

  async run(ctx: WorkflowContext<number>): Promise<number> {
    const charged = await this.payments.charge(ctx.input);
    if (ctx.run.attempt === 1) throw new Error('once');
    return charged;
  }
}

@Workflow()
class ShipWorkflow {
  constructor(private readonly payments: PaymentService) {}

  async run(ctx: WorkflowContext<string[]>): Promise<string[]> {
    const shipped: string[] = [];
    for (const [index, id] of ctx.input.entries()) shipped.push(await this.payments.ship(id, index));
    return shipped;
  }
}

@Workflow()
class OuterWorkflow {
  constructor(private readonly payments: PaymentService) {}

  async run(_ctx: WorkflowContext<void>): Promise<number> {
    return (await this.payments.outer(5)).charged + (await this.payments.flaky());
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientService {
  @Step()
  async greet(): Promise<string> {
    return 'hello';
  }
}

@Workflow()
class GreetWorkflow {
  @Inject() private readonly service!: TransientService;

  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return this.service.greet();
  }
}

const metadata = {
  providers: [PaymentService, ChargeWorkflow, ShipWorkflow, OuterWorkflow, TransientService, GreetWorkflow],
};
const stepNames = async (client: RedflowClient, id: string) => (await client.getRunSteps(id)).map(({ name }) => name);

describe('@Step()', () => {
  it('executes once over the attempts of a run', async () => {
    await withApp(metadata, async ({ client }) => {
      calls.length = 0;
      const handle = await client.run(ChargeWorkflow, 10);
      expect(await handle.result()).toBe(11);
      expect(calls).toEqual(['charge 10']);
      expect((await handle.getState()).attempt).toBe(2);
      expect(await stepNames(client, handle.id)).toEqual(['PaymentService.charge']);
    });
  });

  it('is the plain method outside a run', async () => {
    calls.length = 0;
    const payments = new PaymentService();
    expect([await payments.charge(1), await payments.charge(1)]).toEqual([2, 2]);
    expect(calls).toEqual(['charge 1', 'charge 1']);
  });

  it('takes a name made of the arguments, for loops', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(ShipWorkflow, ['a', 'a']);
      expect(await handle.result()).toEqual(['a!', 'a!']);
      expect(await stepNames(client, handle.id)).toEqual(['ship 0: a', 'ship 1: a']);
    });
  });

  it('is the plain method inside another step, and follows its own retry policy', async () => {
    await withApp(metadata, async ({ client }) => {
      calls.length = 0;
      const handle = await client.run(OuterWorkflow, undefined);
      expect(await handle.result()).toBe(13);
      expect(await stepNames(client, handle.id)).toEqual(['outer', 'flaky']);
      expect(calls.filter((call) => call === 'flaky')).toHaveLength(3);
    });
  });

  it('works on transient providers', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(GreetWorkflow, undefined);
      expect(await handle.result()).toBe('hello');
      expect(await stepNames(client, handle.id)).toEqual(['TransientService.greet']);
    });
  });
});
