// Compiled, never executed: each @ts-expect-error fails the type check when the line below it becomes legal.
import {
  type EventDefinition,
  type FailureContext,
  OnCron,
  OnEvent,
  OnFailure,
  type StandardSchemaV1,
  Workflow,
  type WorkflowContext,
} from '../../lib/index.js';

interface Order {
  id: string;
}

class OrderInput {
  id!: string;

  get label(): string {
    return `order ${this.id}`;
  }
}

declare const orderPaid: EventDefinition<Order>;
declare const countSchema: StandardSchemaV1<unknown, number>;

export class Mails {
  @OnEvent(orderPaid)
  typed(_order: Order, _ctx: WorkflowContext<Order>): void {}

  @OnEvent(orderPaid, { if: ({ data }) => data.id !== '', maxAttempts: 2, connection: 'mails' })
  async wider(_order: { id: unknown }): Promise<void> {}

  @OnEvent('order.*', { if: (event) => event.name !== 'order.paid' })
  @OnEvent('order.paid', { queue: 'mails' })
  @OnCron('0 6 * * *')
  byName(_order: Order): void {}

  @OnEvent<Order>('order.paid')
  asTold(_order: Order): void {}

  @OnEvent(orderPaid, { input: OrderInput })
  transformed(order: OrderInput, ctx: WorkflowContext<OrderInput>): string {
    return order.label + ctx.input.label;
  }

  @OnCron('0 6 * * *', { input: { days: 3 }, queue: 'slow' })
  scheduled(_input: { days: number }): void {}

  // @ts-expect-error the event's data has another type
  @OnEvent(orderPaid)
  mismatched(_order: { id: number }): void {}

  // @ts-expect-error the event's data has another type, options or not
  @OnEvent(orderPaid, { queue: 'mails' })
  mismatchedWithOptions(_order: { id: number }): void {}

  // @ts-expect-error the context has another input
  @OnEvent(orderPaid)
  mismatchedContext(_order: Order, _ctx: WorkflowContext<number>): void {}

  // @ts-expect-error the method gets two arguments
  @OnEvent(orderPaid)
  demanding(_order: Order, _ctx: WorkflowContext<Order>, _more: string): void {}

  // @ts-expect-error the schema gives another input
  @OnEvent('order.counted', { input: countSchema })
  mismatchedSchema(_count: string): void {}

  // @ts-expect-error unknown option
  @OnEvent('order.paid', { maxAtempts: 3 })
  misspelt(_order: Order): void {}

  // @ts-expect-error the schedule gives another input
  @OnCron('0 6 * * *', { input: { days: 3 } })
  mismatchedTick(_input: { days: string }): void {}

  // @ts-expect-error unknown option
  @OnCron('0 6 * * *', { timezon: 'UTC' })
  misspeltTick(): void {}
}

@OnEvent(orderPaid, { if: ({ data }) => data.id !== '' })
@Workflow()
@OnCron('0 6 * * *', { input: { id: 'all' }, timezone: 'UTC' })
export class ShipWorkflow {
  async run(_ctx: WorkflowContext<Order>): Promise<void> {}

  @OnFailure()
  tell(_failure: FailureContext<Order>): void {}
}

// @ts-expect-error run() takes another input
@OnEvent(orderPaid)
@Workflow()
export class MismatchedWorkflow {
  async run(_ctx: WorkflowContext<{ id: number }>): Promise<void> {}

  // @ts-expect-error the workflow has another input
  @OnFailure()
  tell(_failure: FailureContext<Order>): void {}
}

// @ts-expect-error the options of the workflow are those of @Workflow()
@OnEvent('order.paid', { queue: 'fast' })
@Workflow()
export class MisplacedOptionWorkflow {
  async run(): Promise<void> {}

  @OnFailure()
  tell(_failure: FailureContext<Order>): void {}

  // @ts-expect-error a hook takes a FailureContext
  @OnFailure()
  mistaken(_error: string): void {}
}

// @ts-expect-error the class has no run()
@OnCron('0 6 * * *')
export class Runless {}

export abstract class Reporting {
  @OnFailure()
  report(_failure: FailureContext): void {}
}
