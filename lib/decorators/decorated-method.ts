import { InvalidOptionError } from '../engine/index.js';
import { memberName, notAMethod, staticMethod } from '../redflow.messages.js';

/** What a decorator gets: a class, or a class's prototype (for static members the class) with a member of it. */
export type DecoratorArguments = [target: object, key?: string | symbol, descriptor?: PropertyDescriptor];

export type DecoratedFunction = (...args: unknown[]) => unknown;

/**
 * The method that is decorated.
 *
 * @param decorator as messages name it: `@Step()`
 * @throws InvalidOptionError for a property, getter or setter
 */
export function decoratedMethod(decorator: string, ...[target, key = '', descriptor]: DecoratorArguments): DecoratedFunction {
  const method: unknown = descriptor?.value;
  if (isFunction(method)) return method;
  const member = memberName(classNameOf(target), key);
  throw new InvalidOptionError(member, notAMethod(decorator, member));
}

/**
 * As {@link decoratedMethod}, for decorators that are found through the instances of providers.
 *
 * @throws InvalidOptionError for a static method as well
 */
export function decoratedInstanceMethod(
  decorator: string,
  ...[target, key = '', descriptor]: DecoratorArguments
): DecoratedFunction {
  const method = decoratedMethod(decorator, target, key, descriptor);
  if (typeof target !== 'function') return method;
  const member = memberName(target.name, key);
  throw new InvalidOptionError(member, staticMethod(decorator, member));
}

/** Name of the class whose prototype, or which itself, a decorator got. */
export function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}

/** The class of a provider, which may have inherited the method of `target`: two that do have two steps. */
export function providerClassName(provider: unknown, target: object): string {
  const isOfClass = typeof provider === 'object' && Object.prototype.isPrototypeOf.call(target, provider as object);
  const isHeir = typeof provider === 'function' && Object.prototype.isPrototypeOf.call(target, provider);
  const name = isOfClass ? classNameOf(provider as object) : isHeir ? provider.name : '';
  return name === '' ? classNameOf(target) : name;
}

function isFunction(value: unknown): value is DecoratedFunction {
  return typeof value === 'function';
}
