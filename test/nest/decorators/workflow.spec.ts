import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { currentRun, currentStep, RedflowClient, RunFailedError, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { compileApp, withApp } from '../fixtures.js';

@Injectable()
class PriceService {
  total(items: number[]): number {
    return items.reduce((sum, item) => sum + item, 0);
  }
}

@Workflow()
class OrderWorkflow {
  constructor(private readonly prices: PriceService) {}

  async run(ctx: WorkflowContext<{ items: number[] }>): Promise<{ total: number; id: string }> {
    const total = await ctx.step.run('price', () => this.prices.total(ctx.input.items));
    return { total, id: ctx.run.id };
  }
}

@Workflow({ name: 'http2-probe', queue: 'probes', maxAttempts: 1, tags: { team: 'net' } })
class ProbeWorkflow {
  async run(ctx: WorkflowContext<{ fail?: boolean }>): Promise<unknown> {
    if (ctx.input.fail) throw new TypeError('no route');
    const inStep = await ctx.step.run('look', () => ({ run: currentRun()?.run.id, key: currentStep()?.idempotencyKey }));
    return { inStep, outside: currentStep() === undefined, run: currentRun()?.run.id };
  }
}

const metadata = { providers: [OrderWorkflow, ProbeWorkflow, PriceService] };

describe('@Workflow()', () => {
  it('executes runs of the class, its dependencies injected', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(OrderWorkflow, { items: [1, 2, 3] });
      expect(await handle.result()).toEqual({ total: 6, id: handle.id });
    });
  });

  it('is named after the class in kebab-case unless told otherwise', async () => {
    await withApp(metadata, async ({ client }) => {
      const order = await client.run('order-workflow', { items: [] });
      const probe = await client.run(ProbeWorkflow, {});
      await Promise.all([order.result(), probe.result()]);
      expect((await order.getState()).workflow).toBe('order-workflow');
      expect(await probe.getState()).toMatchObject({ workflow: 'http2-probe', queue: 'probes', tags: { team: 'net' } });
    });
  });

  it('gives currentRun() and currentStep() inside, undefined outside', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(ProbeWorkflow, {});
      const seen = (await handle.result()) as { inStep: { run: string; key: string }; outside: boolean; run: string };
      expect(seen).toMatchObject({ outside: true, run: handle.id, inStep: { run: handle.id } });
      expect(seen.inStep.key).toEqual(expect.any(String));
      expect(currentRun()).toBeUndefined();
      expect(currentStep()).toBeUndefined();
    });
  });

  it('lets the failure of run() fail the run', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(ProbeWorkflow, { fail: true });
      const failure: unknown = await handle.result().catch((error) => error);
      expect(failure).toBeInstanceOf(RunFailedError);
      expect((failure as RunFailedError).cause).toMatchObject({ name: 'TypeError', message: 'no route' });
    });
  });

  it('calls the instance the container holds at that moment', async () => {
    await withApp(metadata, async ({ client, module }) => {
      const instance = module.get(ProbeWorkflow);
      instance.run = async () => 'instrumented';
      expect(await (await client.run(ProbeWorkflow, {})).result()).toBe('instrumented');
    });
  });

  it('leaves a replaced client alone', async () => {
    const started: unknown[] = [];
    const double = { run: async (...args: unknown[]) => started.push(args) };
    const module = await compileApp(metadata, {
      redflow: { url: 'redis://127.0.0.1:1' },
      override: (builder) => builder.overrideProvider(RedflowClient).useValue(double),
    });
    await module.init();
    await module.get(RedflowClient).run(OrderWorkflow, { items: [] });
    await module.close();
    expect(started).toEqual([[OrderWorkflow, { items: [] }]]);
  });
});
