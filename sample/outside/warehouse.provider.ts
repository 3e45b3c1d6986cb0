import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentStep, Step } from 'nestjs-redflow';
import type { Order } from '../orders/order.js';
import { Ledger } from './ledger.js';

@Injectable()
export class WarehouseProvider {
  constructor(private readonly ledger: Ledger) {}

  @Step('reserve stock')
  async reserve(order: Order): Promise<string> {
    await delay(300);
    const idempotencyKey = currentStep()?.idempotencyKey ?? order.id;
    const { receipt } = await this.ledger.book({ system: 'warehouse', orderId: order.id, idempotencyKey });
    return receipt;
  }
}
