import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import type { MethodKey } from '../metadata/workflow-metadata.interface.js';

const KINDS = {
  guards: GUARDS_METADATA,
  interceptors: INTERCEPTORS_METADATA,
  pipes: PIPES_METADATA,
  filters: EXCEPTION_FILTERS_METADATA,
};

/** What `@UseGuards()` and its siblings have bound, by kind: classes or instances. */
export type BoundEnhancers = Record<keyof typeof KINDS, readonly unknown[]>;

/** What is bound to a provider's class and to one of its methods. */
export function boundEnhancers(instance: object, method: object): BoundEnhancers {
  const boundAs = (metadata: string): unknown[] =>
    bindable(instance, method).flatMap((target) => Reflect.getMetadata(metadata, target) ?? []);
  return {
    guards: boundAs(KINDS.guards),
    interceptors: boundAs(KINDS.interceptors),
    pipes: boundAs(KINDS.pipes),
    filters: boundAs(KINDS.filters),
  };
}

export function hasEnhancers(instance: object, method: object): boolean {
  return bindable(instance, method).some(isBoundTo);
}

/** Whether enhancers are bound to a class or method itself. */
export function isBoundTo(target: object): boolean {
  return Object.values(KINDS).some((metadata) => Reflect.hasMetadata(metadata, target));
}

/**
 * Gives a method what decorators have left on the function that has taken its place: a wrapper that does not pass metadata on
 * holds those of the decorators above it, and guards among them would be lost.
 */
export function adoptOuterMetadata<T extends object>(method: T, outer: unknown): T {
  if (typeof outer !== 'function') return method;
  const lists: unknown[] = Object.values(KINDS);
  for (const key of Reflect.getOwnMetadataKeys(outer)) {
    const value = Reflect.getOwnMetadata(key, outer);
    const own: unknown[] = lists.includes(key) ? (Reflect.getOwnMetadata(key, method) ?? []) : [];
    Reflect.defineMetadata(key, lists.includes(key) ? [...new Set([...own, ...value])] : value, method);
  }
  return method;
}

/** Whether parameters of a method have decorators that would fill them, as those of `createParamDecorator()`. */
export function hasParameterDecorators(prototype: object, key: MethodKey): boolean {
  let owner: object | null = prototype;
  while (owner && !Object.hasOwn(owner, key)) owner = Reflect.getPrototypeOf(owner);
  return owner !== null && Reflect.hasOwnMetadata(ROUTE_ARGS_METADATA, owner.constructor, key);
}

/** Test doubles may be objects without a class. */
function bindable(instance: object, method: object): object[] {
  return [instance.constructor, method].filter((target) => typeof target === 'function');
}
