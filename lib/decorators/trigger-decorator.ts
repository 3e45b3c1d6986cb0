import type { WorkflowContext } from '../engine/index.js';
import { prependTrigger } from '../metadata/redflow-metadata.accessor.js';
import type { TriggerMetadata } from '../metadata/workflow-metadata.interface.js';
import { type DecoratorArguments, decoratedInstanceMethod } from './decorated-method.js';

/** Decorates methods whose first parameter takes an input of type `I`. */
export type MethodTriggerDecorator<I> = <M extends (input: I, ctx: WorkflowContext<I>) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** Decorates such methods, and classes whose `run(ctx)` takes an input of type `I`. */
export interface TriggerDecorator<I> extends MethodTriggerDecorator<I> {
  // Properties rather than methods: parameters of methods are compared both ways, which lets mistakes pass.
  // biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
  <C extends abstract new (...args: any[]) => { run: (ctx: WorkflowContext<I>) => unknown }>(target: C): void;
}

/** A decorator that leaves a trigger on a class or method. What it says is judged at boot, when the whole class is known. */
export function triggerDecorator(trigger: TriggerMetadata): (...member: DecoratorArguments) => void {
  return (...member) => {
    const [target, key] = member;
    if (key !== undefined) decoratedInstanceMethod(trigger.decorator, ...member);
    prependTrigger(trigger, target, key);
  };
}
