import { NonRetriableError } from 'nestjs-redflow';
import type { Order } from '../orders/order.js';
import type { LedgerEntry } from './ledger.js';

// Accidents that an order asks for with `simulate`. An application of yours would have none of this.

const OUTAGES = 2;

/** The bank does not answer the first two attempts. */
export function bankOutage(order: Order, attempt: number): void {
  if (order.simulate === 'flaky-payment' && attempt <= OUTAGES) throw new Error('The bank does not answer (503).');
}

/** The worker dies by SIGKILL at the worst moment: the money has moved, and redflow does not know it yet. */
export function powerCut(order: Order, charge: LedgerEntry): void {
  if (order.simulate === 'worker-crash' && !charge.repeated) process.kill(process.pid, 'SIGKILL');
}

/** The carrier will not ship it, however often it is asked. */
export function carrierRefusal(order: Order): void {
  if (order.simulate === 'carrier-refuses') throw new NonRetriableError('The carrier refuses the parcel.');
}
