import type { PlaceOrder } from '../orders/place-order.dto.js';

export interface TourOrder {
  story: string;
  body: PlaceOrder;
  /** Send the request a second time. */
  twice?: boolean;
}

const body: PlaceOrder = { customer: 'ada@example.com', sku: 'teapot', quantity: 1, amountCents: 4_900 };

/** The orders that the sample places with itself. */
export const TOUR_ORDERS: readonly TourOrder[] = [
  { story: 'nothing special', body },
  { story: 'sent twice by an impatient customer', body: { ...body, sku: 'kettle' }, twice: true },
  { story: 'the bank is down for two attempts', body: { ...body, simulate: 'flaky-payment' } },
  { story: 'its worker gets SIGKILL right after the charge', body: { ...body, simulate: 'worker-crash' } },
  { story: 'nothing special', body: { ...body, quantity: 3, amountCents: 14_700 } },
];
