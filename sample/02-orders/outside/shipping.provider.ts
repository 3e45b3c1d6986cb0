import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentStep, Step } from 'nestjs-redflow';
import type { Order } from '../orders/order.js';
import { carrierRefusal } from './accidents.js';
import { Ledger } from './ledger.js';

@Injectable()
export class ShippingProvider {
  constructor(private readonly ledger: Ledger) {}

  @Step('ship')
  async ship(order: Order): Promise<string> {
    await delay(300);
    carrierRefusal(order);
    const idempotencyKey = currentStep()?.idempotencyKey ?? order.id;
    const { receipt } = await this.ledger.book({ system: 'carrier', action: 'shipped', orderId: order.id, idempotencyKey });
    return receipt;
  }
}
