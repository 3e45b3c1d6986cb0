import { Injectable } from '@nestjs/common';
import { OnEvent, type WorkflowContext } from 'nestjs-redflow';
import { orderFulfilled } from '../orders/order.events.js';
import { Ledger } from './ledger.js';

@Injectable()
export class AnalyticsProvider {
  constructor(private readonly ledger: Ledger) {}

  /** Another subscriber of the same event: it has a run, retries and a history of its own. */
  @OnEvent(orderFulfilled, { name: 'track-revenue' })
  async track({ orderId }: { orderId: string }, ctx: WorkflowContext): Promise<void> {
    await ctx.step.run('track', ({ idempotencyKey }) =>
      this.ledger.book({ system: 'analytics', action: 'revenue tracked', orderId, idempotencyKey }),
    );
  }
}
