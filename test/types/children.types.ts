import type { WorkflowContext } from '../../lib/index.js';

declare class ReceiptWorkflow {
  run(ctx: WorkflowContext<{ orderId: string }>): Promise<{ text: string }>;
}

/** Compiled, not run: input and output types of a child follow from its class. */
export async function children(ctx: WorkflowContext): Promise<void> {
  // @ts-expect-error the input of the class is { orderId: string }
  await ctx.step.runWorkflow('receipt', ReceiptWorkflow, { orderId: 1 });
  const { text } = await ctx.step.runWorkflow('receipt', ReceiptWorkflow, { orderId: 'o1' });
  text.trim();
  // @ts-expect-error the output's text is a string
  text.toFixed();
}
