// Compiled, never executed: each @ts-expect-error fails the type check when the line below it becomes legal.
import {
  defineWorkflow,
  type RedflowClient,
  RedflowModule,
  type RunHandle,
  type StandardSchemaV1,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../lib/index.js';
import { expectType, type Same } from './expect-type.js';

interface Order {
  id: string;
  items: number[];
}

@Workflow()
class OrderWorkflow {
  constructor(readonly dependency: Date) {}

  async run(ctx: WorkflowContext<Order>): Promise<{ total: number }> {
    return { total: ctx.input.items.length };
  }
}

class CreateOrder {
  customer!: string;
}

@Workflow({ input: CreateOrder, maxAttempts: 2, connection: 'orders' })
class DtoWorkflow {
  run(ctx: WorkflowContext<CreateOrder>): string {
    return ctx.input.customer;
  }
}

export async function infersInputAndOutputFromTheClass(client: RedflowClient): Promise<void> {
  const order = await client.run(OrderWorkflow, { id: 'o1', items: [1] });
  expectType<Same<typeof order, RunHandle<{ total: number }>>>();
  const dto = await client.run(DtoWorkflow, { customer: 'Ada' });
  expectType<Same<Awaited<ReturnType<typeof dto.result>>, string>>();
  // @ts-expect-error the input lacks items
  await client.run(OrderWorkflow, { id: 'o1' });
  // @ts-expect-error the input is of another type
  await client.run(DtoWorkflow, { customer: 1 });
  await client.run('by-name', { anything: true });
}

export async function infersInputAndOutputFromTheDefinition(client: RedflowClient): Promise<void> {
  const definition = defineWorkflow('length', { handler: async (ctx: WorkflowContext<string>) => ctx.input.length });
  const handle = await client.run(definition, 'abc');
  expectType<Same<typeof handle, RunHandle<number>>>();
  // @ts-expect-error the input is a string
  await client.run(definition, 3);
}

declare const numberSchema: StandardSchemaV1<unknown, number>;

// @ts-expect-error the class has no run()
@Workflow()
export class Runless {}

// @ts-expect-error run() takes another input than the schema gives
@Workflow({ input: numberSchema })
export class MismatchedWorkflow {
  async run(_ctx: WorkflowContext<string>): Promise<void> {}
}

// @ts-expect-error unknown option
@Workflow({ maxAtempts: 3 })
export class MisspeltWorkflow {
  async run(_ctx: WorkflowContext<string>): Promise<void> {}
}

export class PaymentService {
  @Step()
  async charge(order: Order): Promise<string> {
    return order.id;
  }

  @Step({ name: (order: Order) => `refund ${order.id}`, timeout: '5s' })
  async refund(order: Order, amount: number): Promise<number> {
    return order.items.length + amount;
  }

  @Step({ name: (order, index) => `untyped ${order} ${index}` })
  async untyped(order: string, index: number): Promise<string> {
    return `${order}${index}`;
  }

  // @ts-expect-error a step returns a promise inside a run
  @Step()
  sync(): number {
    return 1;
  }

  // @ts-expect-error the name is made of other arguments
  @Step({ name: (index: number) => `misnamed ${index}` })
  async misnamed(order: Order): Promise<string> {
    return order.id;
  }

  // @ts-expect-error unknown option
  @Step({ maxAtempts: 3 })
  async misspelt(): Promise<void> {}
}

export const modules = [
  RedflowModule.forRoot(),
  RedflowModule.forRoot({ worker: { concurrency: 5 }, workflows: { order: { maxAttempts: 5 } }, name: 'x', isGlobal: false }),
  RedflowModule.forRootAsync({ name: 'y', useFactory: async () => ({ worker: false }) }),
  // @ts-expect-error unknown option
  RedflowModule.forRoot({ urll: 'redis://localhost' }),
  // @ts-expect-error a worker has no url of its own
  RedflowModule.forRoot({ worker: { url: 'redis://localhost' } }),
];

/** Compiled, not run: the type of the input follows from the schema, for the handler and for those who start a run. */
export async function inferredFromSchema(client: RedflowClient): Promise<void> {
  const doubled = defineWorkflow('doubled', { input: numberSchema, handler: async (ctx) => ctx.input * 2 });
  const handle = await client.run(doubled, 21);
  const output: number = await handle.result();
  // @ts-expect-error the schema gives a number
  await client.run(doubled, 'twenty-one');
  const order = defineWorkflow('created', { input: CreateOrder, handler: async (ctx) => ctx.input.customer.length + output });
  // @ts-expect-error the class has a customer
  await client.run(order, {});
}

class Declined extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

abstract class DomainError extends Error {}

export const takesErrorClasses = {
  module: RedflowModule.forRoot({ errors: [Declined, DomainError, TypeError], defaults: { errors: [Declined] } }),
  workflow: Workflow({ name: 'declined', errors: [Declined] }),
  step: Step({ errors: [Declined] }),
  definition: defineWorkflow('declined', {
    errors: [Declined],
    handler: (ctx: WorkflowContext) => ctx.step.run('charge', () => 1, { errors: [Declined] }),
  }),
  // @ts-expect-error a class of something else
  wrong: Step({ errors: [Date] }),
  // @ts-expect-error an error in place of its class
  instance: Step({ errors: [new Declined('no funds')] }),
};
