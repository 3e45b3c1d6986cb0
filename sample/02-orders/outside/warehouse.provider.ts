import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Order } from '../orders/order.js';
import { Ledger } from './ledger.js';

@Injectable()
export class WarehouseProvider {
  constructor(private readonly ledger: Ledger) {}

  reserve(order: Order, idempotencyKey: string): Promise<string> {
    return this.book('stock reserved', order, idempotencyKey);
  }

  release(order: Order, idempotencyKey: string): Promise<string> {
    return this.book('stock released', order, idempotencyKey);
  }

  private async book(action: string, { id }: Order, idempotencyKey: string): Promise<string> {
    await delay(300);
    const { receipt } = await this.ledger.book({ system: 'warehouse', action, orderId: id, idempotencyKey });
    return receipt;
  }
}
