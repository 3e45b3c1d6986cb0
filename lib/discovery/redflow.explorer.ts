import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { checkErrorLists, type ErrorList } from '../engine/framework.js';
import { RedflowEnhancers } from '../enhancers/redflow-enhancers.js';
import { REDFLOW_CONNECTION_NAME } from '../redflow.constants.js';
import { RedflowSetupError } from '../redflow.errors.js';
import * as messages from '../redflow.messages.js';
import type { DiscoveredWorkflow, ProviderWrapper } from './discovered-workflow.interface.js';
import { isStatic, RedflowProviderInspector, type UnnamedStep } from './redflow-provider.inspector.js';

/** Finds the workflows among the providers of the application; nothing else walks them. */
@Injectable()
export class RedflowExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly modules: ModulesContainer,
    private readonly inspector: RedflowProviderInspector,
    private readonly enhancers: RedflowEnhancers,
    @Inject(REDFLOW_CONNECTION_NAME) private readonly connection: string,
  ) {}

  /**
   * The workflows of this module's connection: classes and methods. Providers are found however they are registered (class,
   * value, factory, inherited decorator); an alias stands for a provider that is found anyway.
   *
   * @throws RedflowSetupError when connections or workflows contradict each other anywhere in the application
   */
  explore(): DiscoveredWorkflow[] {
    for (const { metatype } of this.discovery.getControllers()) this.inspector.refuseController(metatype);
    const wrappers = this.discovery.getProviders();
    this.refuseEnhancersBeside(wrappers);
    const connections = this.connectionsIn(wrappers);
    for (const wrapper of wrappers) this.refuseUnguardedSteps(wrapper);
    this.refuseTwinSteps(wrappers);
    const found = new Map<string, DiscoveredWorkflow[]>();
    for (const workflow of this.workflowsOf(wrappers)) {
      this.refuseUnknownConnection(workflow, connections);
      const key = JSON.stringify([workflow.metadata.connection, workflow.metadata.name]);
      const versions = found.get(key) ?? [];
      this.refuseDuplicate(versions, workflow);
      found.set(key, [...versions, workflow]);
    }
    for (const versions of found.values()) refuseUnlessOneIsCurrent(versions);
    return [...found.values()].flat().filter(({ metadata }) => metadata.connection === this.connection);
  }

  /**
   * Names of workflows and steps that come from classes of one or two letters, as minified builds have them. The steps are told by one
   * connection of the application.
   */
  minifiedNames(workflows: readonly DiscoveredWorkflow[]): string[] {
    const named = workflows.map(({ metadata }) => metadata).filter(({ namedAfter }) => isMinified(namedAfter));
    const wrappers = this.discovery.getProviders();
    const [first] = [...this.connectionsIn(wrappers)].sort();
    const steps = this.connection === first ? wrappers.flatMap((wrapper) => this.inspector.stepsNamedAfterClass(wrapper)) : [];
    const names = steps.filter(({ origin }) => isMinified(origin.className)).map(({ name }) => name);
    return [...new Set([...named.map(({ name }) => name), ...names])];
  }

  /**
   * Checks what steps list as errors together with what is listed elsewhere.
   * @throws InvalidOptionError for two classes of one name, wherever they are listed
   */
  checkErrors(others: readonly ErrorList[]): void {
    const steps = this.discovery.getProviders().flatMap((wrapper) => this.inspector.errorsOfSteps(wrapper));
    checkErrorLists([...others, ...steps]);
  }

  /** Those of each instance once, under however many tokens it is provided. */
  private workflowsOf(wrappers: readonly ProviderWrapper[]): DiscoveredWorkflow[] {
    const instances = new Set<unknown>();
    return wrappers.flatMap((wrapper) => {
      const workflows = wrapper.isAlias ? [] : this.inspector.inspect(wrapper);
      if (workflows.length === 0 || instances.has(wrapper.instance)) return [];
      if (isStatic(wrapper)) instances.add(wrapper.instance);
      return workflows;
    });
  }

  /** What is only bound somewhere, by `@UseGuards()` or its like, is no provider, and has an instance for each module that binds it. */
  private refuseEnhancersBeside(providers: readonly ProviderWrapper[]): void {
    const provided = new Set<unknown>(providers.flatMap(({ metatype, token }) => [metatype, token]));
    for (const { injectables } of this.modules.values()) {
      for (const { metatype } of injectables.values()) if (!provided.has(metatype)) this.inspector.refuseEnhancer(metatype);
    }
  }

  private refuseUnguardedSteps(wrapper: ProviderWrapper): void {
    if (wrapper.isAlias) return;
    for (const step of this.inspector.stepsOf(wrapper))
      this.enhancers.refuseAtBoot(step, isStatic(wrapper) ? undefined : wrapper.host);
  }

  /** Calls of a step that has no name of its own are numbered by its default one: those of two classes would mix. */
  private refuseTwinSteps(wrappers: readonly ProviderWrapper[]): void {
    const found = new Map<string, UnnamedStep>();
    for (const step of wrappers.flatMap((wrapper) => this.inspector.stepsNamedAfterClass(wrapper))) {
      const first = found.get(step.name) ?? step;
      found.set(step.name, first);
      if (first.type === step.type && first.origin.method === step.origin.method) continue;
      throw new RedflowSetupError(messages.duplicateStep(step.name, first.origin, step.origin));
    }
  }

  private connectionsIn(wrappers: readonly ProviderWrapper[]): Set<string> {
    const names = new Set<string>();
    for (const { token, instance } of wrappers) {
      if (token !== REDFLOW_CONNECTION_NAME) continue;
      if (names.has(instance)) throw new RedflowSetupError(messages.connectionConfiguredTwice(instance));
      names.add(instance);
    }
    return names;
  }

  private refuseUnknownConnection(workflow: DiscoveredWorkflow, connections: ReadonlySet<string>): void {
    const { name, connection } = workflow.metadata;
    if (connections.has(connection)) return;
    throw new RedflowSetupError(messages.unknownConnection(name, originOf(workflow), connection, [...connections]));
  }

  private refuseDuplicate(versions: readonly DiscoveredWorkflow[], second: DiscoveredWorkflow): void {
    const { version } = second.metadata.options;
    const first = versions.find(({ metadata }) => metadata.options.version === version);
    if (!first) return;
    const isSameMethod = first.method === second.method;
    if (isSameMethod && first.target === second.target) {
      throw new RedflowSetupError(messages.duplicateClass(originOf(first), [first.moduleName, second.moduleName]));
    }
    const [base, heir] = second.target.prototype instanceof first.target ? [first, second] : [second, first];
    const isInherited = isSameMethod && first.method !== undefined && heir.target.prototype instanceof base.target;
    const { name } = first.metadata;
    if (isInherited) throw new RedflowSetupError(messages.inheritedTwice(name, originOf(base), originOf(heir)));
    if (version === undefined) throw new RedflowSetupError(messages.duplicateName(name, originOf(first), originOf(second)));
    throw new RedflowSetupError(messages.duplicateVersion(name, version, originOf(first), originOf(second)));
  }
}

function refuseUnlessOneIsCurrent(versions: readonly DiscoveredWorkflow[]): void {
  const [{ metadata }] = versions;
  const [first, second] = versions.filter(({ metadata: { options } }) => options.current === true);
  if (second) throw new RedflowSetupError(messages.twoCurrentVersions(metadata.name, originOf(first), originOf(second)));
  if (!first && versions.length > 1)
    throw new RedflowSetupError(messages.noCurrentVersion(metadata.name, versions.map(originOf)));
}

function isMinified(className: string | undefined): boolean {
  return className !== undefined && className.length <= 2;
}

function originOf({ target, moduleName, method }: DiscoveredWorkflow): messages.WorkflowOrigin {
  return { className: target.name, moduleName, ...(method !== undefined && { method }) };
}
