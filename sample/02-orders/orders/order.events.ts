import { defineEvent } from 'nestjs-redflow';

/** Somebody has approved a large order; its correlation key is the order's id. */
export const orderApproved = defineEvent<{ by: string }>('order.approved');

/** A bank transfer has arrived; its correlation key is the order's id. */
export const paymentReceived = defineEvent<{ reference: string }>('payment.received');

/** An order is on its way to the customer. */
export const orderFulfilled = defineEvent<{ orderId: string; customer: string; amountCents: number }>('order.fulfilled');
