import { Workflow, type WorkflowContext } from 'nestjs-redflow';
import { MailProvider } from '../outside/mail.provider.js';
import { PaymentProvider } from '../outside/payment.provider.js';
import { ShippingProvider } from '../outside/shipping.provider.js';
import { WarehouseProvider } from '../outside/warehouse.provider.js';
import type { Order } from './order.js';
import { PlaceOrder } from './place-order.dto.js';

/**
 * Fulfils one order. It reads like ordinary code, and it survives: a method marked `@Step()` that has completed is not
 * executed again, whatever crashes, restarts or is deployed in between.
 */
@Workflow({
  name: 'fulfil-order',
  input: PlaceOrder,
  retries: { maxAttempts: 5, delay: { type: 'exponential', delay: '1s', maxDelay: '1m' } },
})
export class FulfilOrder {
  constructor(
    private readonly payments: PaymentProvider,
    private readonly warehouse: WarehouseProvider,
    private readonly shipping: ShippingProvider,
    private readonly mail: MailProvider,
  ) {}

  async run(ctx: WorkflowContext<PlaceOrder>) {
    const order: Order = { ...ctx.input, id: ctx.run.id };
    const charge = await this.payments.charge(order);
    const reservation = await this.warehouse.reserve(order);
    // The customer may still change their mind. Make it '14d' if you like: a parked run occupies no process.
    await ctx.step.waitFor('cooling off', '3s');
    const parcel = await this.shipping.ship(order);
    await this.mail.confirm(order);
    return { charge, reservation, parcel };
  }
}
