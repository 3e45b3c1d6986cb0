import type { OrderView } from '../orders/order.view.js';
import type { PlaceOrder } from '../orders/place-order.dto.js';

/** What must be true of an order in the end. */
export interface Ending {
  status: OrderView['status'];
  charges: number;
  refunds: number;
  /** Actions elsewhere, in any order. */
  elsewhere: readonly string[];
}

export interface TourOrder {
  story: string;
  body: PlaceOrder;
  /** Send the request a second time. */
  twice?: boolean;
  /** Place the next order only then, so that the accident of this one meets no other. */
  until?: (order: OrderView) => boolean;
  /** What somebody does about it from outside, once it waits for that. */
  webhook?: 'approve' | 'pay';
  ending: Ending;
}

const body: PlaceOrder = { customer: 'ada@example.com', sku: 'teapot', quantity: 1, amountCents: 4_900 };
const shipped: Ending = { status: 'succeeded', charges: 1, refunds: 0, elsewhere: ['order confirmed', 'revenue tracked'] };

const isAsleep = ({ steps }: OrderView) => steps.some(({ kind, status }) => kind === 'sleep' && status === 'waiting');
const isCharged = ({ bank }: OrderView) => bank.charges > 0;

/** Whether an order waits for somebody. */
export const isWaiting = ({ steps }: OrderView) =>
  steps.some(({ kind, status }) => (kind === 'event' || kind === 'any') && status === 'waiting');

/** The orders that the sample places with itself. */
export const TOUR_ORDERS: readonly TourOrder[] = [
  { story: 'nothing special', body, until: isAsleep, ending: shipped },
  {
    story: 'its worker is killed right after the charge',
    body: { ...body, simulate: 'worker-crash' },
    until: isCharged,
    ending: shipped,
  },
  { story: 'the bank is down for two attempts', body: { ...body, simulate: 'flaky-payment' }, ending: shipped },
  { story: 'sent twice by an impatient customer', body: { ...body, sku: 'kettle' }, twice: true, ending: shipped },
  {
    story: 'large: somebody has to approve it',
    body: { ...body, quantity: 20, amountCents: 98_000 },
    webhook: 'approve',
    ending: shipped,
  },
  { story: 'paid by bank transfer', body: { ...body, payBy: 'transfer' }, webhook: 'pay', ending: { ...shipped, charges: 0 } },
  {
    story: 'the bank transfer never comes',
    body: { ...body, payBy: 'transfer' },
    ending: { status: 'succeeded', charges: 0, refunds: 0, elsewhere: [] },
  },
  {
    story: 'the carrier refuses it for good',
    body: { ...body, simulate: 'carrier-refuses' },
    ending: { status: 'failed', charges: 1, refunds: 1, elsewhere: ['stock released', 'apology'] },
  },
];
