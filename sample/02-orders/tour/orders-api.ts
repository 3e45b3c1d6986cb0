import type { Digest } from '../orders/digests.controller.js';
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

  /** How an order is answered that may be refused. */
  async tryPlace(order: PlaceOrder): Promise<{ status: number; message?: string }> {
    const response = await fetch(`${this.baseUrl}/orders`, { ...jsonPost(order), signal: this.signal });
    const { message } = (await response.json()) as { message?: string };
    return { status: response.status, message };
  }

  show(id: string): Promise<OrderView> {
    return this.request(`/orders/${id}`);
  }

  /** What a manager's click does. */
  approve(id: string): Promise<{ resumed: boolean }> {
    return this.post(`/orders/${id}/approval`, { by: 'grace@example.com' });
  }

  /** What the bank's webhook does. */
  pay(id: string): Promise<{ resumed: boolean }> {
    return this.post(`/orders/${id}/payment`, { reference: 'transfer 1' });
  }

  digests(): Promise<Digest[]> {
    return this.request('/digests');
  }

  triggerDigest(): Promise<{ id: string }> {
    return this.post('/digests', {});
  }

  private post<T>(path: string, body: object): Promise<T> {
    return this.request(path, jsonPost(body));
  }

  private async request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(this.baseUrl + path, { ...init, signal: this.signal });
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}

function jsonPost(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
