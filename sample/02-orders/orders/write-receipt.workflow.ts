import { Workflow, type WorkflowContext } from 'nestjs-redflow';

export interface ReceiptInput {
  orderId: string;
  amountCents: number;
}

/** A child workflow: other workflows start it and wait for what it returns, parked meanwhile. */
@Workflow('write-receipt')
export class WriteReceipt {
  async run(ctx: WorkflowContext<ReceiptInput>): Promise<string> {
    const { orderId, amountCents } = ctx.input;
    return ctx.step.run('print', () => `Receipt for order ${orderId}: ${(amountCents / 100).toFixed(2)} EUR`);
  }
}
