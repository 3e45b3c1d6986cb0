import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { DecoratedClass, DiscoveredWorkflow, ProviderWrapper } from './interfaces/discovered-workflow.interface.js';
import { REDFLOW_CONNECTION_NAME } from './redflow.constants.js';
import { RedflowSetupError } from './redflow.errors.js';
import * as messages from './redflow.messages.js';
import { RedflowMetadataAccessor } from './redflow-metadata.accessor.js';

/** Finds the workflow classes among the providers of the application; nothing else walks them. */
@Injectable()
export class RedflowExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly accessor: RedflowMetadataAccessor,
    @Inject(REDFLOW_CONNECTION_NAME) private readonly connection: string,
  ) {}

  /**
   * The workflows of this module's connection. Providers are found however they are registered (class, value, factory,
   * inherited decorator); an alias stands for a provider that is found anyway.
   *
   * @throws RedflowSetupError when connections or workflows contradict each other anywhere in the application
   */
  explore(): DiscoveredWorkflow[] {
    this.refuseControllers();
    const wrappers = this.discovery.getProviders();
    const connections = this.connectionsIn(wrappers);
    const found = new Map<string, DiscoveredWorkflow>();
    const instances = new Set<unknown>();
    for (const wrapper of wrappers) {
      const workflow = this.inspect(wrapper);
      if (!workflow || instances.has(wrapper.instance)) continue;
      this.check(workflow, connections);
      if (isStatic(wrapper)) instances.add(wrapper.instance);
      const key = JSON.stringify([workflow.metadata.connection, workflow.metadata.name]);
      this.refuseDuplicate(found.get(key), workflow);
      found.set(key, workflow);
    }
    return [...found.values()].filter(({ metadata }) => metadata.connection === this.connection);
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

  private inspect(wrapper: ProviderWrapper): DiscoveredWorkflow | undefined {
    if (wrapper.isAlias) return undefined;
    const target = this.workflowClassOf(wrapper);
    const metadata = target && this.accessor.getWorkflowMetadata(target);
    return metadata && { metadata, target, wrapper, moduleName: wrapper.host?.name ?? 'unknown' };
  }

  /** The class itself, that of the value or of what the factory made, or the token it replaces (a test double, say). */
  private workflowClassOf(wrapper: ProviderWrapper): DecoratedClass | undefined {
    const candidates: unknown[] = [wrapper.metatype, constructorOf(wrapper.instance), wrapper.token];
    return candidates.find((candidate) => this.accessor.isWorkflowClass(candidate)) as DecoratedClass | undefined;
  }

  private check(workflow: DiscoveredWorkflow, connections: ReadonlySet<string>): void {
    const { name, connection } = workflow.metadata;
    if (!connections.has(connection)) {
      throw new RedflowSetupError(messages.unknownConnection(name, originOf(workflow), connection, [...connections]));
    }
    const host: unknown = isStatic(workflow.wrapper) ? workflow.wrapper.instance : workflow.target.prototype;
    if (typeof (host as { run?: unknown } | null | undefined)?.run !== 'function') {
      throw new RedflowSetupError(messages.missingRun(name, originOf(workflow)));
    }
  }

  private refuseDuplicate(first: DiscoveredWorkflow | undefined, second: DiscoveredWorkflow): void {
    if (!first) return;
    const message =
      first.target === second.target
        ? messages.duplicateClass(first.target.name, [first.moduleName, second.moduleName])
        : messages.duplicateName(first.metadata.name, originOf(first), originOf(second));
    throw new RedflowSetupError(message);
  }

  private refuseControllers(): void {
    const controller = this.discovery.getControllers().find(({ metatype }) => this.accessor.isWorkflowClass(metatype));
    if (controller) throw new RedflowSetupError(messages.workflowIsController(String(controller.name)));
  }
}

/** Whether one instance serves all runs: false for request-scoped and transient providers and all that depend on such. */
export function isStatic(wrapper: ProviderWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

function originOf({ target, moduleName }: DiscoveredWorkflow): messages.WorkflowOrigin {
  return { className: target.name, moduleName };
}

function constructorOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value)?.constructor : undefined;
}
