import { SetMetadata } from '@nestjs/common';
import { InvalidOptionError, type WorkflowContext } from '../engine/index.js';
import type { WorkflowDecoratorOptions } from '../metadata/workflow-decorator-options.interface.js';
import type { WorkflowMetadata } from '../metadata/workflow-metadata.interface.js';
import { DEFAULT_CONNECTION, WORKFLOW_METADATA } from '../redflow.constants.js';

/** Decorates classes whose `run(ctx)` takes an input of type `I`. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
export type WorkflowClassDecorator<I> = <C extends abstract new (...args: any[]) => { run(ctx: WorkflowContext<I>): unknown }>(
  target: C,
) => void;

/**
 * Makes an injectable class a workflow: each run executes its `run(ctx)` with durable steps.
 *
 * The class must be a provider of exactly one module. A subclass that is a provider inherits the decorator, name included.
 *
 * @param nameOrOptions a name, or options; the name defaults to the class name in kebab-case (`OrderWorkflow` is `order-workflow`)
 *
 * @example
 * ```ts
 * @Workflow({ input: CreateOrder, maxAttempts: 5 })
 * export class OrderWorkflow {
 *   constructor(private readonly payments: PaymentService) {}
 *
 *   async run(ctx: WorkflowContext<CreateOrder>) {
 *     const charge = await this.payments.charge(ctx.input);
 *     await ctx.step.waitFor('cooling off', '14d');
 *     return charge.id;
 *   }
 * }
 * ```
 */
export function Workflow<I = unknown>(nameOrOptions: string | WorkflowDecoratorOptions<I> = {}): WorkflowClassDecorator<I> {
  const given: WorkflowDecoratorOptions<I> = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions;
  const { name, connection, ...options } = given;
  return (target) => {
    const metadata: WorkflowMetadata = {
      name: name ?? defaultName(target),
      ...(name === undefined && { namedAfter: target.name }),
      connection: connection ?? DEFAULT_CONNECTION,
      options,
    };
    SetMetadata(WORKFLOW_METADATA, metadata)(target);
  };
}

function defaultName(target: { readonly name: string }): string {
  if (target.name === '')
    throw new InvalidOptionError('name', '@Workflow() on a class without a name: pass one, @Workflow("my-workflow").');
  return target.name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1-$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1-$2')
    .replace(/[_$-]+/g, '-')
    .replace(/^-|-$/g, '')
    .toLowerCase();
}
