import { Injectable } from '@nestjs/common';
import { providerClassName } from '../decorators/decorated-method.js';
import type { ErrorList } from '../engine/framework.js';
import { hasParameterDecorators, isBoundTo } from '../enhancers/bound-enhancers.js';
import { errorsOfStep, isStep, ownerOfUnnamedStep, RedflowMetadataAccessor } from '../metadata/redflow-metadata.accessor.js';
import { methodWorkflow } from '../metadata/redflow-triggers.js';
import type { DecoratedClass, DecoratedMethod, MethodKey } from '../metadata/workflow-metadata.interface.js';
import { RedflowSetupError } from '../redflow.errors.js';
import * as messages from '../redflow.messages.js';
import type { DiscoveredWorkflow, ProviderWrapper } from './discovered-workflow.interface.js';

/** A step that has no name of its own. */
export interface UnnamedStep {
  /** `Mail.send` */
  readonly name: string;
  /** Class of the provider. */
  readonly type: unknown;
  readonly origin: Required<messages.WorkflowOrigin>;
}

/** Tells which workflows one provider holds. */
@Injectable()
export class RedflowProviderInspector {
  constructor(private readonly accessor: RedflowMetadataAccessor) {}

  /**
   * The provider itself if its class is a workflow, then each of its methods that is one.
   *
   * A test double that stands in for a provider holds those of the provider's workflow methods that it has.
   *
   * @throws RedflowSetupError when decorators contradict each other
   * @throws InvalidOptionError when a decorator has an option that does not exist
   */
  inspect(wrapper: ProviderWrapper): DiscoveredWorkflow[] {
    const candidates = classesOf(wrapper);
    const workflowClass = candidates.find((candidate) => this.accessor.isWorkflowClass(candidate));
    const methodsOf = candidates.find((candidate) => this.accessor.getDecoratedMethods(candidate).length > 0);
    if (!workflowClass) this.refuseClassTriggers(candidates, wrapper);
    return [
      ...(workflowClass ? this.classWorkflow(workflowClass, wrapper) : []),
      ...(methodsOf ? this.methodWorkflows(methodsOf, wrapper) : []),
    ];
  }

  /** @throws RedflowSetupError when a controller has decorators of workflows: nothing would look for them there */
  refuseController(controller: unknown): void {
    if (!isClass(controller)) return;
    if (this.accessor.isWorkflowClass(controller)) throw new RedflowSetupError(messages.workflowIsController(controller.name));
    const found = this.firstDecorator(controller);
    if (found) throw new RedflowSetupError(messages.decoratedController(...found));
  }

  /** @throws RedflowSetupError when a guard or the like that is no provider has decorators of workflows */
  refuseEnhancer(enhancer: unknown): void {
    const found = isClass(enhancer) && this.firstDecorator(enhancer);
    if (found) throw new RedflowSetupError(messages.decoratedEnhancer(...found));
  }

  private firstDecorator(type: DecoratedClass): [decorator: string, where: string] | undefined {
    const [trigger] = this.accessor.getClassTriggers(type);
    if (trigger) return [trigger.decorator, `class "${type.name}"`];
    if (this.accessor.isWorkflowClass(type)) return ['@Workflow()', `class "${type.name}"`];
    const [method] = this.accessor.getDecoratedMethods(type);
    const decorator = method?.triggers[0]?.decorator ?? '@OnFailure()';
    return method && [decorator, `method "${messages.memberName(type.name, method.key)}"`];
  }

  /** The provider's methods that are steps, as those that a test double puts in their place are not; none if only a call will tell its class. */
  stepsOf(wrapper: ProviderWrapper) {
    const type = isStatic(wrapper) ? constructorOf(wrapper.instance) : wrapper.metatype;
    if (!isClass(type)) return [];
    const members = this.accessor.getStepMethods(type).map((key) => memberOf(wrapper, type, key));
    return members.filter(({ instance, key, method }) => typeof method === 'function' && isStep(instance, key));
  }

  /** The provider's steps whose name is made of its class's. */
  stepsNamedAfterClass(wrapper: ProviderWrapper): UnnamedStep[] {
    if (wrapper.isAlias) return [];
    return this.stepsOf(wrapper).flatMap(({ instance, key }) => {
      const owner = ownerOfUnnamedStep(instance, key);
      if (!owner) return [];
      const className = providerClassName(instance, owner);
      const origin = { className, moduleName: moduleNameOf(wrapper), method: key };
      return { name: messages.memberName(className, key), type: instance.constructor, origin };
    });
  }

  /** The error classes that the provider's steps list. */
  errorsOfSteps(wrapper: ProviderWrapper): ErrorList[] {
    if (wrapper.isAlias) return [];
    return this.stepsOf(wrapper).map(({ instance, key }) => {
      const origin = originAt(instance.constructor, wrapper, key);
      return { errors: errorsOfStep(instance, key), place: `@Step() on ${messages.originName(origin)}` };
    });
  }

  private classWorkflow(target: DecoratedClass, wrapper: ProviderWrapper): DiscoveredWorkflow[] {
    const metadata = this.accessor.getWorkflowMetadata(target);
    if (!metadata) return [];
    const origin = originAt(target, wrapper);
    if (!hasMethod(wrapper, target, 'run')) throw new RedflowSetupError(messages.missingRun(metadata.name, origin));
    const runOrigin = originAt(target, wrapper, 'run');
    if (isStep(memberOf(wrapper, target, 'run').instance, 'run')) throw new RedflowSetupError(messages.stepOnRun(runOrigin));
    refuseFilledParameters(target, runOrigin);
    const failureHook = this.failureHookOf(target, wrapper);
    return [{ metadata, target, wrapper, moduleName: origin.moduleName, ...(failureHook !== undefined && { failureHook }) }];
  }

  private failureHookOf(target: DecoratedClass, wrapper: ProviderWrapper): MethodKey | undefined {
    const hooks = this.accessor.getDecoratedMethods(target).filter(({ isFailureHook }) => isFailureHook);
    const [first, second] = hooks.map(({ key }) => key);
    if (first === undefined) return undefined;
    const origin = originAt(target, wrapper, first);
    if (second !== undefined) throw new RedflowSetupError(messages.twoHooks(origin, originAt(target, wrapper, second)));
    if (first === 'run') throw new RedflowSetupError(messages.hookOfItself(origin));
    this.refuseEnhancedHook(target, first, origin);
    return hasMethod(wrapper, target, first) ? first : undefined;
  }

  /** A hook that is a step has the enhancers of the step. */
  private refuseEnhancedHook(target: DecoratedClass, key: MethodKey, origin: messages.WorkflowOrigin): void {
    if (this.accessor.getStepMethods(target).includes(key) || !isBoundTo(target.prototype[key])) return;
    throw new RedflowSetupError(messages.enhancedHook(origin));
  }

  private methodWorkflows(target: DecoratedClass, wrapper: ProviderWrapper): DiscoveredWorkflow[] {
    const isWorkflowClass = this.accessor.isWorkflowClass(target);
    const workflows: DiscoveredWorkflow[] = [];
    for (const method of this.accessor.getDecoratedMethods(target)) {
      const origin = originAt(target, wrapper, method.key);
      refuseMisplaced(method, origin, isWorkflowClass);
      refuseFilledParameters(target, origin);
      if (method.triggers.length === 0 || !hasMethod(wrapper, target, method.key)) continue;
      const metadata = methodWorkflow(method, messages.originName(origin));
      workflows.push({ metadata, target, wrapper, moduleName: origin.moduleName, method: method.key });
    }
    return workflows;
  }

  private refuseClassTriggers(candidates: readonly DecoratedClass[], wrapper: ProviderWrapper): void {
    for (const candidate of candidates) {
      const [trigger] = this.accessor.getClassTriggers(candidate);
      if (trigger) throw new RedflowSetupError(messages.triggerWithoutWorkflow(trigger.decorator, originAt(candidate, wrapper)));
    }
  }
}

/** Whether one instance serves all runs: false for request-scoped and transient providers and all that depend on such. */
export function isStatic(wrapper: ProviderWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** A method as it can be looked at before anybody calls it: of the only instance, or of what instances will be made from. */
export function memberOf(wrapper: ProviderWrapper, target: DecoratedClass, key: MethodKey) {
  const instance = isStatic(wrapper) ? wrapper.instance : target.prototype;
  return { instance, key, method: instance?.[key] };
}

function refuseMisplaced(method: DecoratedMethod, origin: messages.WorkflowOrigin, isWorkflowClass: boolean): void {
  const [trigger] = method.triggers;
  if (trigger && isWorkflowClass && method.key === 'run') {
    throw new RedflowSetupError(messages.triggerOnRun(trigger.decorator, origin));
  }
  if (!method.isFailureHook) return;
  if (trigger) throw new RedflowSetupError(messages.hookOfItself(origin));
  if (!isWorkflowClass) throw new RedflowSetupError(messages.hookWithoutWorkflow(origin));
}

function refuseFilledParameters(target: DecoratedClass, origin: messages.WorkflowOrigin): void {
  if (origin.method === undefined || !hasParameterDecorators(target.prototype, origin.method)) return;
  throw new RedflowSetupError(messages.filledParameters(origin));
}

/** The provider's class: as registered, that of the value or of what the factory made, or the one that a test double replaces. */
function classesOf({ metatype, instance, token }: ProviderWrapper): DecoratedClass[] {
  const own = [metatype, constructorOf(instance)].filter(isClass);
  // A subclass has undecorated what it overrides, so the class it is injected as says nothing.
  const isDouble = isClass(token) && !own.some((type) => type === token || type.prototype instanceof token);
  return isDouble ? [...own, token] : own;
}

function isClass(value: unknown): value is DecoratedClass {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

function constructorOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value)?.constructor : undefined;
}

function hasMethod(wrapper: ProviderWrapper, target: DecoratedClass, key: MethodKey): boolean {
  return typeof memberOf(wrapper, target, key).method === 'function';
}

function moduleNameOf({ host }: ProviderWrapper): string {
  return host?.name ?? 'unknown';
}

function originAt(target: DecoratedClass, wrapper: ProviderWrapper, method?: MethodKey): messages.WorkflowOrigin {
  return { className: target.name, moduleName: moduleNameOf(wrapper), ...(method !== undefined && { method }) };
}
