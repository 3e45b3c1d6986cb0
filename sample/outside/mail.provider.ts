import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentStep, Step } from 'nestjs-redflow';
import type { Order } from '../orders/order.js';
import { Ledger } from './ledger.js';

@Injectable()
export class MailProvider {
  constructor(private readonly ledger: Ledger) {}

  @Step('mail')
  async confirm(order: Order): Promise<string> {
    await delay(300);
    const idempotencyKey = currentStep()?.idempotencyKey ?? order.id;
    const { receipt } = await this.ledger.book({ system: 'mail', orderId: order.id, idempotencyKey });
    return receipt;
  }
}
