import { type FailureContext, OnFailure, Workflow, type WorkflowContext } from 'nestjs-redflow';
import { MailProvider } from '../outside/mail.provider.js';
import { PaymentProvider } from '../outside/payment.provider.js';
import { ShippingProvider } from '../outside/shipping.provider.js';
import { WarehouseProvider } from '../outside/warehouse.provider.js';
import { orderApproved, orderFulfilled, paymentReceived } from './order.events.js';
import type { Order } from './order.js';
import { PlaceOrder } from './place-order.dto.js';
import { WriteReceipt } from './write-receipt.workflow.js';

const APPROVAL_FROM_CENTS = 50_000;

/**
 * Fulfils one order. It reads like ordinary code, and it survives: a method marked `@Step()` whose result is recorded is not
 * executed again, whatever crashes, restarts or is deployed in between.
 */
@Workflow({
  name: 'fulfil-order',
  input: PlaceOrder,
  retries: { maxAttempts: 5, delay: { type: 'exponential', delay: '1s', maxDelay: '1m' } },
  rateLimit: { key: ({ customer }: PlaceOrder) => customer, limit: 8, period: '5m' },
})
export class FulfilOrder {
  constructor(
    private readonly payments: PaymentProvider,
    private readonly warehouse: WarehouseProvider,
    private readonly shipping: ShippingProvider,
    private readonly mail: MailProvider,
  ) {}

  async run(ctx: WorkflowContext<PlaceOrder>) {
    const { step } = ctx;
    const order: Order = { ...ctx.input, id: ctx.run.id };

    if (order.amountCents >= APPROVAL_FROM_CENTS) {
      // `POST /orders/:id/approval` emits it. An approval that came before this line is found as well.
      const approval = await step.waitForEvent('approval', { event: orderApproved, correlationKey: order.id, timeout: '2d' });
      if (!approval) return { outcome: 'nobody approved it' };
    }

    if (order.payBy === 'transfer') {
      // Whichever comes first, and the same one on every replay.
      const { winner } = await step.waitForAny('payment', {
        received: { event: paymentReceived, correlationKey: order.id },
        expired: { for: '4s' },
      });
      if (winner === 'expired') return { outcome: 'expired: the transfer did not come' };
    } else {
      await this.payments.charge(order);
    }

    // If the order fails for good, or is canceled, the stock is released before the run ends: also when a crash or a timeout leaves it open
    // whether it was reserved. Releasing goes by the order, so it needs no receipt.
    await step.run('reserve stock', ({ idempotencyKey }) => this.warehouse.reserve(order, idempotencyKey), {
      compensate: (_receipt, { idempotencyKey }) => this.warehouse.release(order, idempotencyKey),
    });
    // The customer may still change their mind. Make it '14d' if you like: a parked run occupies no process.
    await step.waitFor('cooling off', '3s');
    const parcel = await this.shipping.ship(order);
    const receipt = await step.runWorkflow('receipt', WriteReceipt, { orderId: order.id, amountCents: order.amountCents });
    // Mail and analytics subscribe to it: each gets a run of its own.
    await step.emitEvent('announce', orderFulfilled, {
      orderId: order.id,
      customer: order.customer,
      amountCents: order.amountCents,
    });
    return { outcome: 'shipped', parcel, receipt };
  }

  /** Runs when an order has failed for good, after the compensations; its steps are durable, too. */
  @OnFailure()
  async makeGood({ run, input }: FailureContext<PlaceOrder>): Promise<void> {
    const order: Order = { ...input, id: run.id };
    await this.payments.refund(order);
    await this.mail.apologise(order);
  }
}
