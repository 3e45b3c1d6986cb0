import {
  defineEvent,
  defineWorkflow,
  type EventDefinition,
  type ReceivedEvent,
  type RedflowClient,
  type WorkflowContext,
} from 'nestjs-redflow';
import { expectType, type Same } from './expect-type.js';

interface Order {
  orderId: string;
}

/** Compiled, not run: what events carry, and what waits for them answer. */
export async function events(ctx: WorkflowContext, client: RedflowClient): Promise<void> {
  const created = defineEvent<Order>('order.created');
  expectType<Same<typeof created, EventDefinition<Order>>>();

  const v1 = await ctx.step.waitForEvent('a', { event: created, correlationKey: 'k' });
  expectType<Same<typeof v1, ReceivedEvent<Order> | null>>();
  const v2 = await ctx.step.waitForEvent('b', { event: 'order.created', correlationKey: 'k' });
  expectType<Same<typeof v2, ReceivedEvent<unknown> | null>>();

  const receipt = defineWorkflow('receipt', { handler: async (child: WorkflowContext<Order>) => ({ pdf: child.input.orderId }) });
  const first = await ctx.step.waitForAny('d', {
    paid: { event: created, correlationKey: 'k' },
    receipt: { workflow: receipt, input: { orderId: 'o' } },
    late: { for: '1h' },
  });
  expectType<Same<typeof first.winner, 'paid' | 'receipt' | 'late'>>();
  // The winner says what the value is.
  if (first.winner === 'paid') {
    const { value } = first;
    expectType<Same<typeof value, ReceivedEvent<Order>>>();
  }
  if (first.winner === 'receipt') {
    const { value } = first;
    expectType<Same<typeof value, { pdf: string }>>();
  }
  if (first.winner === 'late') {
    const { value } = first;
    expectType<Same<typeof value, undefined>>();
  }

  const v3 = await ctx.step.emitEvent('e', created, { orderId: 'o' });
  expectType<Same<typeof v3, string[]>>();
  // @ts-expect-error the data is not that of the event
  await ctx.step.emitEvent('f', created, { orderId: 5 });
  await client.emitEvent(created, { orderId: 'o' });
  await client.emitEvent('whatever', 5);
  // @ts-expect-error the data is not that of the event
  await client.emitEvent(created, 'o');
  // @ts-expect-error a wait needs a key
  await ctx.step.waitForEvent('g', { event: created });
}
