import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type CompensationContext,
  currentStep,
  NonRetriableError,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { withApp } from '../fixtures.js';

@Injectable()
class Stock {
  readonly released: string[] = [];

  @Step({
    name: 'reserve',
    compensate(this: Stock, output: string) {
      this.release(output);
    },
  })
  async reserve(sku: string): Promise<string> {
    return `reserved ${sku}`;
  }

  @Step({
    name: 'label',
    compensate: {
      run(this: Stock, output: string) {
        this.release(output);
      },
      retries: { maxAttempts: 1 },
    },
  })
  async label(sku: string): Promise<string> {
    return `labelled ${sku}`;
  }

  @Step({
    name: 'charge',
    timeout: 20,
    compensate(this: Stock, output: string | undefined, { outcome, stepIdempotencyKey }: CompensationContext) {
      this.released.push(`${outcome} ${output} ${stepIdempotencyKey}`);
    },
  })
  charge(): Promise<string> {
    const signal = currentStep()?.signal;
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  }

  private release(what: string): void {
    this.released.push(what);
  }
}

@Workflow('order')
class OrderWorkflow {
  constructor(private readonly stock: Stock) {}

  async run(ctx: WorkflowContext<string>): Promise<void> {
    await this.stock.reserve(ctx.input);
    await this.stock.label(ctx.input);
    throw new NonRetriableError('no');
  }
}

@Workflow({ name: 'payment', maxAttempts: 1 })
class PaymentWorkflow {
  constructor(private readonly stock: Stock) {}

  async run(): Promise<void> {
    await this.stock.charge();
  }
}

describe('@Step({ compensate })', () => {
  it('is called where the outcome of the step is unknown', async () => {
    await withApp({ providers: [Stock, PaymentWorkflow] }, async ({ client, module }) => {
      const handle = await client.run(PaymentWorkflow, undefined);
      await expect(handle.result()).rejects.toMatchObject({ cause: { code: 'STEP_TIMEOUT' } });
      expect(module.get(Stock).released).toEqual([`unknown undefined ${handle.id}:charge`]);
    });
  });

  it('is called with the provider that the step belongs to', async () => {
    await withApp({ providers: [Stock, OrderWorkflow] }, async ({ client, module }) => {
      const handle = await client.run(OrderWorkflow, 'teapot');
      await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'no' } });
      expect(module.get(Stock).released).toEqual(['labelled teapot', 'reserved teapot']);
      expect(await handle.getState()).not.toHaveProperty('compensationErrors');
    });
  });
});
