import { checkStepName, methodStepsOf, withOptionOwner } from '../engine/framework.js';
import { currentRun, type StepOptions } from '../engine/index.js';
import { adoptOuterMetadata, isBoundTo } from '../enhancers/bound-enhancers.js';
import { type CallScope, callScope } from '../enhancers/call-scope.js';
import { impersonate } from '../enhancers/impersonate.js';
import type { Method, PipeArguments } from '../enhancers/redflow-enhancers.js';
import { markStep } from '../metadata/redflow-metadata.accessor.js';
import type { StepDecoratorOptions, StepNameFactory } from '../metadata/workflow-decorator-options.interface.js';
import type { MethodKey } from '../metadata/workflow-metadata.interface.js';
import { RedflowSetupError } from '../redflow.errors.js';
import { memberName, stepWithoutProvider } from '../redflow.messages.js';
import { classNameOf, decoratedMethod, providerClassName } from './decorated-method.js';

// biome-ignore lint/suspicious/noExplicitAny: parameters are contravariant, so only any[] accepts every method
type AsyncMethod = (...args: any[]) => Promise<unknown>;

/** What the descriptor must also be when the method's arguments do not fit the function that names its steps. */
type NamedBy<N extends StepNameFactory, M extends AsyncMethod> = N extends (...args: Parameters<M>) => string
  ? unknown
  : { error: 'the name function takes other arguments than the method' };

/** Decorates methods that return a promise. */
export type StepMethodDecorator<N extends StepNameFactory = StepNameFactory> = <M extends AsyncMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & NamedBy<N, M>,
) => void;

/**
 * Makes a method of any provider a durable step: called inside a run it is executed, its result recorded, and from then on the
 * recorded result returned; called outside a run, or inside another step, it is the plain method.
 *
 * A crash between its return and the record executes it again, under the same `idempotencyKey`.
 *
 * A `compensate` function is called with the provider as its `this`.
 *
 * Inside a run the value is the JSON round trip of what the method returned: a `Date` comes back as a string.
 *
 * Without a name, calls in one run are numbered in their order: `Payments.charge`, `Payments.charge#2`. Once a run has called the method twice,
 * a call that is replayed with other arguments blocks the run, or fails with `ReplayMismatchError` where runs are not blocked. In loops and
 * parallel branches give a name made of the arguments.
 *
 * @param nameOrOptions the step's name, or options; the name defaults to `ClassName.method`, for an inherited method with the class of
 *   the provider
 * @throws InvalidOptionError for a name that is empty, too long, or ends in `#` and a number
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Checkout {
 *   constructor(private readonly payments: PaymentService) {}
 *
 *   @Step({ name: (order: Order) => `charge ${order.id}`, timeout: '10s', maxAttempts: 3 })
 *   async charge(order: Order): Promise<Charge> {
 *     return this.payments.charge(order, { idempotencyKey: currentStep()?.idempotencyKey });
 *   }
 * }
 * ```
 */
export function Step<N extends StepNameFactory = StepNameFactory>(
  nameOrOptions: string | StepDecoratorOptions<N> = {},
): StepMethodDecorator<N> {
  const given: StepDecoratorOptions<N> = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions;
  const { name: ownName, ...options } = given;
  const name = ownName ?? undefined;
  return (target, key, descriptor) => {
    const method = decoratedMethod('@Step()', target, key, descriptor);
    checkName(name, memberName(classNameOf(target), key));
    // Made when it is needed: decorators above this one leave what they say on the step.
    let plain: Method | undefined;
    const bare = () => {
      plain ??= adoptOuterMetadata(
        impersonate(function (this: unknown, ...args: unknown[]) {
          return Reflect.apply(method, this, args);
        }, step),
        Object.getOwnPropertyDescriptor(target, key)?.value,
      );
      return plain;
    };
    // Asynchronous by itself, not only by what it returns: tools that wrap methods look at the function.
    const step = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const run = currentRun();
      if (!run) return Reflect.apply(method, this, args);
      const scope = callScope.getStore();
      const call = () => execute(scope, { provider: this, owner: target, key, method: bare() }, args);
      const bound = boundTo(this, options);
      if (name !== undefined) return run.step.run(typeof name === 'function' ? name.apply(this, args) : name, call, bound);
      return methodStepsOf(run).runMethod(memberName(providerClassName(this, target), key), args, call, bound);
    };
    impersonate(step, method);
    markStep(target, key, { hasOwnName: name !== undefined, errors: options.errors });
    (descriptor as PropertyDescriptor).value = step;
  };
}

/**
 * @param member the method, whose name is that of the step if it has none of its own
 * @throws InvalidOptionError
 */
function checkName(name: unknown, member: string): void {
  if (typeof name !== 'function') withOptionOwner(`method "${member}"`, () => checkStepName(name ?? member));
}

/** A compensation reaches the provider as the method does: `compensate(this: Stock, output) { … }`. */
function boundTo(provider: unknown, options: StepOptions): StepOptions {
  const { compensate } = options;
  const bind = (run: unknown) => (typeof run === 'function' ? run.bind(provider) : run);
  if (typeof compensate === 'function') return { ...options, compensate: bind(compensate) };
  if (typeof compensate === 'object' && compensate !== null)
    return { ...options, compensate: { ...compensate, run: bind(compensate.run) } };
  return options;
}

/** The context of the run, which a step gets when its method is the workflow, is no input. */
const pipeInputs: PipeArguments = (args, transform) =>
  Promise.all(args.map((value, index) => (value === currentRun() ? value : transform(value, index))));

/** One call of a step: on what, and where the method is declared. */
interface StepCall {
  readonly provider: unknown;
  readonly owner: object;
  readonly key: MethodKey;
  readonly method: Method;
}

/** Calls the method with the guards, interceptors, pipes and filters that are bound to it, if the run is one of an application. */
function execute(scope: CallScope | undefined, { provider, owner, key, method }: StepCall, args: unknown[]): unknown {
  if (!scope) return Reflect.apply(method, provider, args);
  if (typeof provider !== 'object' || provider === null) {
    const type = typeof owner === 'function' ? owner : owner.constructor;
    if ([type, method].some(isBoundTo)) throw new RedflowSetupError(stepWithoutProvider(memberName(type.name, key)));
    return Reflect.apply(method, provider, args);
  }
  const { enhancers, contextId } = scope;
  return enhancers.around({ instance: provider, key, method, contextId, pipeArguments: pipeInputs })(...args);
}
