import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Workflow, type WorkflowContext } from '../../../lib/index.js';
import { withApp } from '../fixtures.js';

@Injectable()
class Printer {
  print(orderId: string): string {
    return `receipt of ${orderId}`;
  }
}

@Workflow('receipt')
class ReceiptWorkflow {
  constructor(private readonly printer: Printer) {}

  async run(ctx: WorkflowContext<{ orderId: string }>): Promise<{ text: string }> {
    return { text: this.printer.print(ctx.input.orderId) };
  }
}

@Workflow('order')
class OrderWorkflow {
  async run(ctx: WorkflowContext<{ orderId: string }>): Promise<{ text: string; later: string }> {
    const { orderId } = ctx.input;
    // Input and output types follow from the class.
    const { text } = await ctx.step.runWorkflow('receipt', ReceiptWorkflow, { orderId });
    const later = await ctx.step.emitWorkflow('once more', ReceiptWorkflow, { orderId }, { queue: 'slow' });
    return { text, later };
  }
}

const metadata = { providers: [OrderWorkflow, ReceiptWorkflow, Printer] };

describe('children in Nest', () => {
  it('are named by their class, and their providers are injected', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run(OrderWorkflow, { orderId: 'o1' });
      const { text, later } = await handle.result();
      expect(text).toBe('receipt of o1');
      expect(await client.getRun(later)).toMatchObject({ workflow: 'receipt', queue: 'slow', parentRunId: handle.id });
    });
  });
});
