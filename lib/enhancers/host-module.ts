import type { Type } from '@nestjs/common';
import { type ContextId, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';

/**
 * The module whose provider an instance is. Several may provide its class, each with enhancers of its own.
 *
 * An instance that no provider is known to have, as one that is transient in a request-scoped provider, is taken for one of the first
 * module with its class.
 */
export function hostModuleOf(instance: object, modules: ModulesContainer, contextId?: ContextId): Module | undefined {
  const type = instance.constructor as Type;
  const all = [...modules.values()];
  const holder = (isCandidate: (wrapper: InstanceWrapper) => boolean) =>
    all.find(({ providers }) =>
      [...providers.values()].some((wrapper) => isCandidate(wrapper) && holds(wrapper, instance, contextId)),
    );
  // Factories and values may pass on what another module has made.
  return holder(({ metatype }) => metatype === type) ?? holder(() => true) ?? all.find((module) => module.hasProvider(type));
}

/** A container of one module: Nest cannot but find it there. */
export function containerOf(module: Module | undefined): ModulesContainer {
  const container = new ModulesContainer();
  if (module) container.set(module.token, module);
  return container;
}

function holds(wrapper: InstanceWrapper, instance: object, contextId: ContextId | undefined): boolean {
  if (wrapper.isAlias) return false;
  if (wrapper.instance === instance) return true;
  if (wrapper.isTransient) return wrapper.getStaticTransientInstances().some((made) => made?.instance === instance);
  // Asking a wrapper for another call's instance makes a place for one: so only those that may have made this one are asked.
  if (!contextId || wrapper.metatype !== instance.constructor) return false;
  return wrapper.getInstanceByContextId(contextId).instance === instance;
}
