import type { FailureContext, WorkflowContext } from '../engine/index.js';
import { markFailureHook } from '../metadata/redflow-metadata.accessor.js';
import type { MethodKey } from '../metadata/workflow-metadata.interface.js';
import { type DecoratorArguments, decoratedInstanceMethod } from './decorated-method.js';

// biome-ignore-start lint/suspicious/noExplicitAny: a class without run(ctx), to be extended by workflows, fits every input
/** The input of a workflow class. */
type InputOf<W> = W extends { run(ctx: infer C): unknown } ? (C extends WorkflowContext<infer I> ? I : any) : any;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** Decorates methods that take the `FailureContext` of the workflow class they belong to. */
export type FailureMethodDecorator = <W extends object, M extends (failure: FailureContext<InputOf<W>>) => unknown>(
  target: W,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Makes a method of a `@Workflow()` class its failure hook: called with a `FailureContext` once a run has failed for good, never
 * when it was canceled. It is durable: its steps are recorded, it is retried (3 attempts), and called again after a crash until it has
 * completed.
 *
 * A class has at most one. A request-scoped class gets a new instance for each call, with the `FailureContext` as `REQUEST`.
 *
 * @throws RedflowSetupError (at boot) when the class has several, or is no workflow
 *
 * @example
 * ```ts
 * @Workflow()
 * export class OrderWorkflow {
 *   constructor(
 *     private readonly payments: PaymentService,
 *     private readonly support: SupportDesk,
 *   ) {}
 *
 *   async run(ctx: WorkflowContext<Order>) {
 *     return this.payments.charge(ctx.input);
 *   }
 *
 *   @OnFailure()
 *   async tellSupport({ input, error, step }: FailureContext<Order>) {
 *     await step.run('ticket', () => this.support.open(input.id, error.message));
 *   }
 * }
 * ```
 */
export function OnFailure(): FailureMethodDecorator {
  return (...member: DecoratorArguments) => {
    decoratedInstanceMethod('@OnFailure()', ...member);
    const [prototype, key] = member;
    markFailureHook(prototype, key as MethodKey);
  };
}
