import { describe, expect, it } from '@jest/globals';
import {
  InvalidOptionError,
  RedflowModule,
  type RedflowModuleOptions,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { mergeWorkflowOptions } from '../../../lib/redflow.options.js';
import { bootError, connection, withApp } from '../fixtures.js';

@Workflow({ name: 'invoice-sync', retries: { maxAttempts: 2, delay: 1 }, tags: { team: 'billing' }, queue: 'invoices' })
class InvoiceWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<number> {
    if (ctx.run.attempt < 4) throw new Error('busy');
    return ctx.run.attempt;
  }
}

@Workflow({ name: 'limited', rateLimit: { key: ({ account }: { account: string }) => account, limit: 1, period: '1h' } })
class LimitedWorkflow {
  async run(_ctx: WorkflowContext<{ account: string }>): Promise<void> {}
}

const runOf = (redflow: Pick<RedflowModuleOptions, 'workflows' | 'defaults'>) =>
  withApp(
    { providers: [InvoiceWorkflow] },
    async ({ client }) => {
      const handle = await client.run(InvoiceWorkflow, undefined);
      await handle.result().catch(() => undefined);
      return handle.getState();
    },
    { redflow: RedflowModule.forRootAsync({ useFactory: () => connection(redflow) }) },
  );

describe('options of workflows from configuration', () => {
  it('win over the decorator', async () => {
    const run = await runOf({ workflows: { 'invoice-sync': { maxAttempts: 4, queue: 'slow', tags: { tier: 'gold' } } } });
    expect(run).toMatchObject({ status: 'succeeded', output: 4, maxAttempts: 4, queue: 'slow' });
    expect(run.tags).toEqual({ team: 'billing', tier: 'gold' });
  });

  it('give way to the decorator as defaults', async () => {
    const run = await runOf({ defaults: { version: 'v7', queue: 'never', maxAttempts: 9 } });
    expect(run).toMatchObject({ status: 'failed', version: 'v7', queue: 'invoices', maxAttempts: 2 });
  });

  it('are refused for a workflow that does not exist', async () => {
    const error = await bootError({ providers: [InvoiceWorkflow] }, { redflow: { workflows: { 'invoice-snyc': {} } } });
    expect(error.message).toBe(
      'RedflowModule option workflows names "invoice-snyc", but no workflow of that name was found. Did you mean "invoice-sync"? ' +
        'Known: "invoice-sync".',
    );
  });

  it('may name workflows that a producer does not provide', async () => {
    const redflow = { worker: false, workflows: { 'invoice-sync': { queue: 'slow' } } };
    await withApp(
      {},
      async ({ client }) => {
        const handle = await client.run(InvoiceWorkflow, undefined);
        expect(await handle.getState()).toMatchObject({ workflow: 'invoice-sync', queue: 'slow', status: 'queued' });
      },
      { redflow },
    );
  });

  it('change one field of a limit', async () => {
    const redflow = { workflows: { limited: { rateLimit: { limit: 2 } } } };
    await withApp(
      { providers: [LimitedWorkflow] },
      async ({ client }) => {
        for (const account of ['a', 'a', 'b']) await client.run(LimitedWorkflow, { account });
        await expect(client.run(LimitedWorkflow, { account: 'a' })).rejects.toMatchObject({
          code: 'RATE_LIMITED',
          key: 'a',
          limit: 2,
        });
      },
      { redflow },
    );
  });

  it('are refused when a limit is not complete with them', async () => {
    const error = await bootError(
      { providers: [InvoiceWorkflow] },
      { redflow: { workflows: { 'invoice-sync': { throttle: { limit: 5 } } } } },
    );
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toContain('throttle.period');
  });

  it('are refused when the engine does not know them', async () => {
    const redflow = { workflows: { 'invoice-sync': { maxAtempts: 4 } } } as RedflowModuleOptions;
    const error = await bootError({ providers: [InvoiceWorkflow] }, { redflow });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toContain('maxAtempts');
  });
});

describe('mergeWorkflowOptions()', () => {
  it('merges retry policies field by field', () => {
    const lower = { retries: { maxAttempts: 3, delay: '1s' } };
    expect(mergeWorkflowOptions(lower, { retries: { delay: '5s' } })).toEqual({ retries: { maxAttempts: 3, delay: '5s' } });
    expect(lower).toEqual({ retries: { maxAttempts: 3, delay: '1s' } });
  });

  it('lets maxAttempts above replace the one in retries below', () => {
    const merged = mergeWorkflowOptions({ retries: { maxAttempts: 3, delay: '1s' } }, { maxAttempts: 5 });
    expect(merged).toEqual({ maxAttempts: 5, retries: { delay: '1s' } });
  });

  it('merges limits field by field', () => {
    const key = () => 'a';
    const lower = { throttle: { key, limit: 1, period: '1m' }, debounce: { key, period: '1s' } };
    const merged = mergeWorkflowOptions(lower, { throttle: { limit: 5 }, rateLimit: { limit: 2, period: 1 } });
    expect(merged).toEqual({ ...lower, throttle: { key, limit: 5, period: '1m' }, rateLimit: { limit: 2, period: 1 } });
    expect(lower.throttle.limit).toBe(1);
  });

  it('does not take undefined for a value', () => {
    expect(mergeWorkflowOptions({ queue: 'a' }, { queue: undefined })).toEqual({ queue: 'a' });
  });
});
