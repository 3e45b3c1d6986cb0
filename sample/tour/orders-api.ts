import type { OrderView } from '../orders/order.view.js';
import type { PlaceOrder } from '../orders/place-order.dto.js';

/** The HTTP API as a customer sees it. */
export class OrdersApi {
  constructor(
    private readonly baseUrl: string,
    private readonly signal: AbortSignal,
  ) {}

  place(order: PlaceOrder, idempotencyKey: string): Promise<{ id: string; deduplicated: boolean }> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    return this.request('/orders', { method: 'POST', headers, body: JSON.stringify(order) });
  }

  show(id: string): Promise<OrderView> {
    return this.request(`/orders/${id}`);
  }

  private async request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(this.baseUrl + path, { ...init, signal: this.signal });
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}
