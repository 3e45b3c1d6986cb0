import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentStep, Step } from 'nestjs-redflow';
import type { Order } from '../orders/order.js';
import { bankOutage, powerCut } from './accidents.js';
import { Ledger } from './ledger.js';

@Injectable()
export class PaymentProvider {
  constructor(private readonly ledger: Ledger) {}

  /** A worker may die after the bank has acted and before the step is stored, so the bank gets the step's idempotency key. */
  @Step('charge')
  async charge(order: Order): Promise<string> {
    const step = currentStep();
    await delay(300);
    bankOutage(order, step?.attempt ?? 1);
    const charge = await this.ledger.book({
      system: 'bank',
      action: 'charged',
      orderId: order.id,
      idempotencyKey: step?.idempotencyKey ?? order.id,
    });
    powerCut(order, charge);
    return charge.receipt;
  }

  /** Gives back what was charged. The bank knows by the order whether there is something to give back. */
  @Step('refund')
  async refund({ id }: Order): Promise<string> {
    await delay(300);
    const isCharged = (await this.ledger.requestsOf(id)).some(({ action }) => action === 'charged');
    if (!isCharged) return 'nothing to refund';
    const idempotencyKey = currentStep()?.idempotencyKey ?? id;
    const { receipt } = await this.ledger.book({ system: 'bank', action: 'refunded', orderId: id, idempotencyKey });
    return receipt;
  }
}
