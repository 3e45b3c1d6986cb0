import type { OrderView } from '../orders/order.view.js';
import type { PlaceOrder } from '../orders/place-order.dto.js';

export interface TourOrder {
  story: string;
  body: PlaceOrder;
  /** Send the request a second time. */
  twice?: boolean;
  /** Place the next order only then, so that the accident of this one meets no other. */
  until?: (order: OrderView) => boolean;
}

const body: PlaceOrder = { customer: 'ada@example.com', sku: 'teapot', quantity: 1, amountCents: 4_900 };

const isParked = ({ steps }: OrderView) => steps.some(({ kind, status }) => kind === 'sleep' && status === 'waiting');
const isCharged = ({ bank }: OrderView) => bank.charges > 0;

/** The orders that the sample places with itself. */
export const TOUR_ORDERS: readonly TourOrder[] = [
  { story: 'nothing special', body, until: isParked },
  { story: 'its worker is killed right after the charge', body: { ...body, simulate: 'worker-crash' }, until: isCharged },
  { story: 'the bank is down for two attempts', body: { ...body, simulate: 'flaky-payment' } },
  { story: 'sent twice by an impatient customer', body: { ...body, sku: 'kettle' }, twice: true },
  { story: 'nothing special', body: { ...body, quantity: 3, amountCents: 14_700 } },
];
