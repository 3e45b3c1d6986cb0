import { type EventRef, InvalidOptionError } from '../engine/index.js';
import type { OnEventMethodOptions, OnEventOptions } from '../metadata/trigger-decorator-options.interface.js';
import { noEvent } from '../redflow.messages.js';
import { type MethodTriggerDecorator, type TriggerDecorator, triggerDecorator } from './trigger-decorator.js';

// Nothing is known about the data of an event that is given by name, so it is whatever the method says: hence `any`.
// biome-ignore-start lint/suspicious/noExplicitAny: see above

/**
 * Starts a run for every event that matches: of a `@Workflow()` class, or of the method it stands on, which becomes a workflow of
 * its own and gets `(input, ctx)`. The input is the event's data, `ctx.event` the whole event.
 *
 * May be repeated, and combined with `@OnCron()`: one workflow with several triggers. On a method the options are those of the
 * workflow as well; what several decorators of one method say must not differ. On a class they belong in `@Workflow()`.
 *
 * A method that is also a `@Step()` is one durable step of its run, as it is in every other run that calls it.
 *
 * @param event what `defineEvent()` made, or a name; `*` in it stands for one segment between dots, a last `**` for any number
 * @throws RedflowSetupError (at boot) on a controller, on a class that is no workflow, or when decorators contradict each other
 * @throws InvalidOptionError (at boot) for an unknown option or value
 *
 * @example
 * ```ts
 * @Injectable()
 * export class CustomerMails {
 *   constructor(private readonly mailer: Mailer) {}
 *
 *   @OnEvent('order.paid', { if: (event) => event.data.total > 0, maxAttempts: 5 })
 *   async thank(order: Order, ctx: WorkflowContext<Order>) {
 *     await ctx.step.run('mail', () => this.mailer.thank(order.customer));
 *   }
 * }
 * ```
 */
export function OnEvent<T = any>(event: EventRef<T>, options?: OnEventOptions<T>): TriggerDecorator<T>;
export function OnEvent<T = any, I = T>(event: EventRef<T>, options: OnEventMethodOptions<T, I>): MethodTriggerDecorator<I>;
export function OnEvent(event: EventRef<any>, given: OnEventMethodOptions<any> = {}): TriggerDecorator<any> {
  const { if: filter, ...options } = given;
  const name = typeof event === 'string' ? event : event?.name;
  // Circular imports leave undefined in the place of a definition.
  if (typeof name !== 'string') throw new InvalidOptionError('event', noEvent(event));
  return triggerDecorator({
    decorator: `@OnEvent("${name}")`,
    triggerKeys: ['if'],
    event: { name, ...(filter !== undefined && { if: filter }) },
    options,
  });
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above
