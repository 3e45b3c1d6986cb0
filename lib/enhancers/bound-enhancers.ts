import { EXCEPTION_FILTERS_METADATA, GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA } from '@nestjs/common/constants.js';

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
    [instance.constructor, method].flatMap((target) => Reflect.getMetadata(metadata, target) ?? []);
  return {
    guards: boundAs(KINDS.guards),
    interceptors: boundAs(KINDS.interceptors),
    pipes: boundAs(KINDS.pipes),
    filters: boundAs(KINDS.filters),
  };
}

export function hasEnhancers(instance: object, method: object): boolean {
  return [instance.constructor, method].some((target) =>
    Object.values(KINDS).some((metadata) => Reflect.hasMetadata(metadata, target)),
  );
}
