import { describe, expect, it, jest } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IsString } from 'class-validator';
import {
  type FailureContext,
  InputValidationError,
  OnEvent,
  OnFailure,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { runInline } from '../../../lib/testing/index.js';

class PlaceOrder {
  @IsString()
  sku!: string;
}

@Injectable()
class Payments {
  constructor(@Inject('gateway') private readonly gateway: { charge(sku: string): string }) {}

  @Step({ name: (sku: string) => `charge ${sku}` })
  async charge(sku: string): Promise<string> {
    return this.gateway.charge(sku);
  }
}

@Workflow()
class ShipOrder {
  async run(ctx: WorkflowContext<string>): Promise<string> {
    await ctx.step.waitFor('packing', '1d');
    return `shipped ${ctx.input}`;
  }
}

@Workflow({ name: 'order', input: PlaceOrder, retries: { maxAttempts: 2, delay: '1h' } })
@OnEvent('order.placed')
class OrderWorkflow {
  constructor(
    @Inject(Payments) private readonly payments: Payments,
    @Inject('mails') private readonly mails: { send(text: string): void },
  ) {}

  async run(ctx: WorkflowContext<PlaceOrder>) {
    const charge = await this.payments.charge(ctx.input.sku);
    const shipping = await ctx.step.runWorkflow('ship', ShipOrder, ctx.input.sku);
    return { charge, shipping, isInstance: ctx.input instanceof PlaceOrder };
  }

  @OnFailure()
  async apologize({ error }: FailureContext<PlaceOrder>) {
    this.mails.send(`sorry: ${error.message}`);
  }
}

const setUp = async () => {
  const charge = jest.fn((sku: string) => `charge of ${sku}`);
  const send = jest.fn<(text: string) => void>();
  const module = await Test.createTestingModule({
    providers: [OrderWorkflow, Payments, { provide: 'gateway', useValue: { charge } }, { provide: 'mails', useValue: { send } }],
  }).compile();
  return { order: module.get(OrderWorkflow), charge, send };
};

describe('runInline() of a workflow class', () => {
  it('uses the instance and its providers, the input class, and children by class', async () => {
    const { order, charge } = await setUp();
    const result = await runInline(order, { input: { sku: 'A1' } });
    expect(result).toMatchObject({
      succeeded: true,
      output: { charge: 'charge of A1', shipping: 'shipped A1', isInstance: true },
      run: { workflow: 'order', maxAttempts: 2 },
    });
    expect(result.steps.map(({ name }) => name)).toEqual(['charge A1', 'ship']);
    expect(charge).toHaveBeenCalledTimes(1);
  });

  it('overrides the steps of providers, and children by instances of them', async () => {
    const { order, charge } = await setUp();
    const ship = jest.spyOn(ShipOrder.prototype, 'run');
    class MockedShipping extends ShipOrder {
      override async run() {
        return 'by mule';
      }
    }
    const result = await runInline(order, {
      input: { sku: 'A1' },
      stepOverrides: { 'charge A1': 'for free' },
      children: [new MockedShipping()],
    });
    expect(result.output).toEqual({ charge: 'for free', shipping: 'by mule', isInstance: true });
    expect(charge).not.toHaveBeenCalled();
    expect(ship).not.toHaveBeenCalled();
    ship.mockRestore();
  });

  it('refuses a bad input with its issues', async () => {
    const { order } = await setUp();
    const { error } = await runInline(order, { input: {} as PlaceOrder });
    expect(error).toBeInstanceOf(InputValidationError);
    expect(error).toMatchObject({ issues: [{ path: 'sku' }] });
  });

  it('retries by the decorator and then calls the failure method', async () => {
    const { order, charge, send } = await setUp();
    charge.mockImplementation(() => {
      throw new Error('declined');
    });
    const { error, run } = await runInline(order, { input: { sku: 'A1' } });
    expect(error?.message).toBe('declined');
    expect(run).toMatchObject({ status: 'failed', attempt: 2, failureHook: { status: 'succeeded' } });
    expect(charge).toHaveBeenCalledTimes(2);
    expect(send.mock.calls).toEqual([['sorry: declined']]);
  });

  it('asks for an instance of a child whose class needs something', async () => {
    @Workflow()
    class Parent {
      async run(ctx: WorkflowContext) {
        return ctx.step.runWorkflow('order', OrderWorkflow, { sku: 'A1' });
      }
    }
    await expect(runInline(new Parent(), { input: undefined })).rejects.toThrow(
      'Step "order" starts class OrderWorkflow, whose constructor takes parameters: give `children` an instance of it',
    );
    const { order } = await setUp();
    const result = await runInline(new Parent(), { input: undefined, children: [order] });
    expect(result.output).toMatchObject({ charge: 'charge of A1' });
  });

  it('takes any object with a run method', async () => {
    const plain = { run: (ctx: WorkflowContext<number>) => ctx.step.run('double', () => ctx.input * 2) };
    expect((await runInline(plain, { input: 21 })).output).toBe(42);
  });
});
