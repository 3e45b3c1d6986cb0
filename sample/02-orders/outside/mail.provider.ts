import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentStep, OnEvent, Step } from 'nestjs-redflow';
import { orderFulfilled } from '../orders/order.events.js';
import type { Order } from '../orders/order.js';
import { Ledger } from './ledger.js';

@Injectable()
export class MailProvider {
  constructor(private readonly ledger: Ledger) {}

  /** A workflow of its own, started by the event. The method is a step as well: once it is recorded, no crash sends the mail again. */
  @OnEvent(orderFulfilled, { name: 'confirm-by-mail' })
  @Step('mail')
  confirm({ orderId }: { orderId: string }): Promise<string> {
    return this.send('order confirmed', orderId);
  }

  @Step('apology')
  apologise({ id }: Order): Promise<string> {
    return this.send('apology', id);
  }

  private async send(action: string, orderId: string): Promise<string> {
    await delay(300);
    const idempotencyKey = currentStep()?.idempotencyKey ?? orderId;
    const { receipt } = await this.ledger.book({ system: 'mail', action, orderId, idempotencyKey });
    return receipt;
  }
}
