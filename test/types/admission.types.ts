// Compiled, never executed: each @ts-expect-error fails the type check when the line below it becomes legal.
import { defineWorkflow, OnEvent, RedflowModule, Workflow, type WorkflowContext } from '../../lib/index.js';

interface Order {
  id: string;
  customer?: string;
}

export const orders = defineWorkflow('orders', {
  handler: async (ctx: WorkflowContext<Order>) => ctx.input.id,
  mutex: (order) => order.id,
  throttle: { key: (order) => order.customer, limit: 5, period: '1m' },
  rateLimit: { limit: 5, period: 60_000 },
  debounce: { key: ({ id }) => id, period: '5s', timeout: '1m' },
});

export const wrong = defineWorkflow('wrong', {
  handler: async (ctx: WorkflowContext<Order>) => ctx.input.id,
  // @ts-expect-error a key is a text
  mutex: (order) => order.id.length,
  // @ts-expect-error a limit needs its period
  throttle: { limit: 5 },
});

@Workflow({ mutex: (order: Order) => order.id, throttle: { limit: 1, period: '1s' } })
export class OrderWorkflow {
  async run(_ctx: WorkflowContext<Order>): Promise<void> {}
}

export class Mails {
  @OnEvent('order.created', { debounce: { key: (order: Order) => order.id, period: '1m' } })
  send(_order: Order): void {}
}

export const module = RedflowModule.forRoot({
  workflows: { orders: { throttle: { limit: 10 }, debounce: { period: '1m' } } },
  defaults: { rateLimit: { limit: 100, period: '1s' } },
});
