import { ForbiddenException, Injectable, type Type } from '@nestjs/common';
import { type ContextId, ModulesContainer, type NestContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { GuardsContextCreator } from '@nestjs/core/guards/guards-context-creator.js';
import { ExternalContextCreator } from '@nestjs/core/helpers/external-context-creator.js';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { InterceptorsContextCreator } from '@nestjs/core/interceptors/interceptors-context-creator.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';
import type { NonRetriableError } from '../engine/index.js';
import type { MethodKey } from '../metadata/workflow-metadata.interface.js';
import { RedflowSetupError } from '../redflow.errors.js';
import { memberName, unreachableEnhancer } from '../redflow.messages.js';
import { boundEnhancers, hasEnhancers } from './bound-enhancers.js';
import { containerOf, hostModuleOf } from './host-module.js';
import { impersonate } from './impersonate.js';
import { REDFLOW_CONTEXT_TYPE } from './redflow-execution-context.js';

export type Method = (...args: unknown[]) => unknown;

/** The code of `NonRetriableError`, which counts on any error. */
const FINAL: NonRetriableError['code'] = 'NON_RETRIABLE';

/** Passes the arguments that pipes are for through `transform`, and answers what the method gets. */
export type PipeArguments = (
  args: unknown[],
  transform: (value: unknown, index: number) => Promise<unknown>,
  types: readonly unknown[],
) => Promise<unknown[]>;

/** One method of one provider. */
interface EnhancedMember {
  readonly instance: object;
  readonly key: MethodKey;
  readonly method: Method;
}

/** How its arguments meet the pipes, and whose instance it is. */
export interface EnhancedCall extends EnhancedMember {
  readonly contextId?: ContextId;
  readonly pipeArguments: PipeArguments;
}

/**
 * Puts the guards, interceptors, pipes and filters that are bound to a method, or to its class, around it, as Nest's
 * `ExternalContextCreator` does for GraphQL resolvers. Global ones are left out: those of an HTTP application expect requests.
 */
@Injectable()
export class RedflowEnhancers {
  private readonly container: NestContainer;
  private readonly pipes: PipesContextCreator;
  private readonly creators = new Map<Module | undefined, HostContextCreator>();
  private readonly pipesConsumer = new PipesConsumer();
  /** For singletons, by what the method is at present: tools replace methods. Instances that are made for one call are called once. */
  private readonly made = new WeakMap<object, Map<Method, Method>>();

  constructor(private readonly modules: ModulesContainer) {
    // Without an ApplicationConfig, which is where Nest finds the global ones.
    this.container = { getModules: () => modules } as NestContainer;
    this.pipes = new PipesContextCreator(this.container);
  }

  /**
   * The method with what is bound around it; the method itself if nothing is.
   *
   * @throws RedflowSetupError when Nest would silently leave a bound enhancer out
   */
  around(call: EnhancedCall): Method {
    const { instance, method, contextId } = call;
    if (contextId) return this.enhance(call);
    const known = this.made.get(instance) ?? new Map<Method, Method>();
    const enhanced = known.get(method) ?? this.enhance(call);
    this.made.set(instance, known.set(method, enhanced));
    return enhanced;
  }

  /**
   * As {@link around}, for a run of which something is stored: it may not be refused any more. Guards are not asked, and where the
   * interceptors do not call the method, it is called without them. Interceptors surround it all the same: they carry contexts, and
   * what they make of the result must not depend on how often the run has parked.
   *
   * @param passedBy told what an interceptor has thrown instead of calling, undefined if it returned
   */
  unrefused(call: EnhancedCall, passedBy: (error: unknown) => void): Method {
    if (!hasEnhancers(call.instance, call.method)) return this.around(call);
    let isReached = false;
    const reached = impersonate((...args: unknown[]) => {
      isReached = true;
      return Reflect.apply(call.method, call.instance, args);
    }, call.method);
    const surrounded = this.enhance({ ...call, method: reached }, { guards: false, interceptors: true });
    const bare = this.enhance({ ...call, method: reached }, { guards: false, interceptors: false });
    return async (...args) => {
      let error: unknown;
      try {
        const value = await surrounded(...args);
        if (isReached) return value;
      } catch (thrown) {
        if (isReached) throw thrown;
        error = thrown;
      }
      passedBy(error);
      return bare(...args);
    };
  }

  /**
   * Looks at a method before it is called. Which enhancers are made along with an instance for one call is known in that call only.
   *
   * @param hostOfMany the module whose instances will be made from `instance`, their prototype; none for a singleton
   * @throws RedflowSetupError when Nest would silently leave a bound enhancer out
   */
  refuseAtBoot(member: EnhancedMember, hostOfMany?: Module): void {
    if (!hasEnhancers(member.instance, member.method)) return;
    if (hostOfMany) this.refuseUnreachable(member, hostOfMany, (enhancer) => !enhancer.isTransient);
    else this.refuseUnreachable(member, hostModuleOf(member.instance, this.modules), (enhancer) => isMade(enhancer));
  }

  private enhance(call: EnhancedCall, asked = { guards: true, interceptors: true }): Method {
    const { instance, key, method, contextId } = call;
    if (!hasEnhancers(instance, method)) return (...args) => method.apply(instance, args);
    const { pipes, filters } = boundEnhancers(instance, method);
    const host = hostModuleOf(instance, this.modules, contextId);
    this.refuseUnreachable(call, host, (enhancer) => isMade(enhancer, contextId));
    return this.creatorFor(host).create(
      instance as Record<string, unknown>,
      pipes.length > 0 ? this.piped(call, host) : method,
      key as string,
      undefined,
      undefined,
      contextId,
      undefined,
      // Where no filter is bound, Nest's own would log every failure and every cancellation.
      { ...asked, filters: filters.length > 0 },
      REDFLOW_CONTEXT_TYPE,
    );
  }

  private creatorFor(host: Module | undefined): HostContextCreator {
    const creator = this.creators.get(host) ?? new HostContextCreator(this.container, this.pipes, host);
    this.creators.set(host, creator);
    return creator;
  }

  /** The method behind its pipes: for Nest and its `Reflector` still the method. */
  private piped({ instance, key, method, contextId, pipeArguments }: EnhancedCall, host: Module | undefined): Method {
    const pipes = this.pipes.create(instance as Record<string, unknown>, method, host?.token ?? '', contextId);
    const types: unknown[] = Reflect.getMetadata('design:paramtypes', instance, key) ?? [];
    const transform = (value: unknown, index: number) =>
      this.pipesConsumer.applyPipes(value, { type: 'body', metatype: types[index] as Type, data: undefined }, pipes);
    const callback = async (...args: unknown[]) => method.apply(instance, await pipeArguments(args, transform, types));
    return impersonate(callback, method);
  }

  /** A guard that is left out lets everybody in. */
  private refuseUnreachable(
    { instance, key, method }: EnhancedMember,
    host: Module | undefined,
    isReachable: (enhancer: InstanceWrapper) => boolean,
  ): void {
    for (const bound of Object.values(boundEnhancers(instance, method)).flat()) {
      if (typeof bound !== 'function') continue;
      const wrapper = host?.injectables.get(bound as Type);
      if (!wrapper || !isReachable(wrapper))
        throw new RedflowSetupError(unreachableEnhancer(bound.name, memberName(instance.constructor.name, key)));
    }
  }
}

/** Takes the enhancers of one module, which is where it has been checked that they are. */
class HostContextCreator extends ExternalContextCreator {
  constructor(
    container: NestContainer,
    pipes: PipesContextCreator,
    private readonly host: Module | undefined,
  ) {
    super(
      new GuardsContextCreator(container),
      new GuardsConsumer(),
      new InterceptorsContextCreator(container),
      new InterceptorsConsumer(),
      containerOf(host),
      pipes,
      new PipesConsumer(),
      new ExternalExceptionFilterContext(container),
    );
  }

  override createGuardsFn(...args: Parameters<ExternalContextCreator['createGuardsFn']>) {
    const ask = super.createGuardsFn(...args);
    return (
      ask &&
      (async (callArgs: unknown[]) => {
        try {
          await ask(callArgs);
        } catch (error) {
          throw error instanceof ForbiddenException ? asFinal(error) : error;
        }
      })
    );
  }

  override getContextModuleKey(): string {
    return this.host?.token ?? '';
  }
}

/** Nobody becomes somebody else by trying again: the engine tells by the code. */
function asFinal(refusal: ForbiddenException): ForbiddenException {
  return Object.assign(refusal, { code: FINAL });
}

function isMade(enhancer: InstanceWrapper, contextId?: ContextId): boolean {
  if (enhancer.isTransient) return false;
  if (enhancer.isDependencyTreeStatic()) return true;
  return contextId !== undefined && enhancer.getInstanceByContextId(contextId).isResolved === true;
}
