import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { DiscoveredWorkflow } from '../discovery/discovered-workflow.interface.js';
import {
  createRegistry,
  defineWorkflow,
  type FailureHook,
  type Handler,
  InvalidOptionError,
  type WorkflowDefinition,
  type WorkflowOptions,
  type WorkflowRegistry,
} from '../engine/index.js';
import { RedflowEnhancers } from '../enhancers/redflow-enhancers.js';
import { RedflowMetadataAccessor } from '../metadata/redflow-metadata.accessor.js';
import type { DecoratedClass, WorkflowMetadata } from '../metadata/workflow-metadata.interface.js';
import { REDFLOW_CONNECTION_NAME, REDFLOW_RESOLVED_OPTIONS } from '../redflow.constants.js';
import { RedflowSetupError } from '../redflow.errors.js';
import * as messages from '../redflow.messages.js';
import { checkOverrides, mergeWorkflowOptions, type ResolvedRedflowOptions } from '../redflow.options.js';
import type { WorkflowOverrides } from '../redflow-module-options.interface.js';
import { createDtoSchema, isDtoClass, loadDtoValidation } from './redflow-dto.schema.js';
import { createFailureHook, createHandler } from './redflow-workflow.invoker.js';

/** What a definition executes, and where it is registered. */
interface ExecutableSource {
  readonly handler: Handler<unknown, unknown>;
  readonly onFailure?: FailureHook<unknown>;
  readonly registry: WorkflowRegistry;
}

/** The workflow definitions of one connection, by class, name and version. */
@Injectable()
export class RedflowWorkflowDefinitions {
  /** What the connection's worker serves and its client knows. */
  readonly registry = createRegistry();
  private readonly definitions = new Map<string, WorkflowDefinition>();
  private isComplete = false;

  constructor(
    @Inject(REDFLOW_CONNECTION_NAME) private readonly connection: string,
    @Inject(REDFLOW_RESOLVED_OPTIONS) private readonly options: ResolvedRedflowOptions,
    private readonly accessor: RedflowMetadataAccessor,
    private readonly enhancers: RedflowEnhancers,
    private readonly modules: ModulesContainer,
  ) {}

  /**
   * Turns discovered providers into definitions, configuration laid over what their decorators say.
   *
   * @throws InvalidOptionError when a decorator or the configuration holds an option the engine refuses
   * @throws RedflowSetupError when the configuration names a workflow that was not found
   */
  async defineAll(workflows: readonly DiscoveredWorkflow[]): Promise<void> {
    this.refuseUnknownOverrides(workflows.map(({ metadata }) => metadata.name));
    for (const workflow of workflows) {
      const { metadata, target, moduleName, method } = workflow;
      const { input } = this.optionsOf(metadata);
      if (isDtoClass(input)) await loadDtoValidation(input);
      const source = {
        handler: createHandler(workflow, this.enhancers),
        onFailure: createFailureHook(workflow, this.enhancers),
        registry: this.registry,
      };
      const origin = { className: target.name, moduleName, method };
      this.definitions.set(
        this.keyOf(metadata),
        this.naming(origin, metadata, () => this.define(metadata, source)),
      );
    }
    this.checkUnused();
    this.isComplete = true;
  }

  /** Configuration that a producer shares with the workers, or that every decorator overrules, is no less wrong here. */
  private checkUnused(): void {
    const { workflows, defaults } = this.options;
    checkOverrides('*', defaults, 'defaults');
    const known = new Set([...this.definitions.values()].map(({ name }) => name));
    for (const [name, overrides] of Object.entries(workflows)) {
      if (overrides && !known.has(name)) checkOverrides(name, overrides, 'workflows');
    }
  }

  /**
   * The definition of a decorated class. One that is no provider here, as on an API pod that only starts its runs, gets one
   * for creating runs that no worker serves.
   *
   * @throws RedflowSetupError when the class belongs to another connection, or came with a module after the boot
   */
  resolveClass(target: DecoratedClass): WorkflowDefinition | undefined {
    const metadata = this.accessor.getWorkflowMetadata(target);
    if (!metadata) return undefined;
    const { name, connection } = metadata;
    if (connection !== this.connection)
      throw new RedflowSetupError(messages.otherConnection(target.name, connection, this.connection));
    const known = this.definitions.get(this.keyOf(metadata));
    if (known) return known;
    if (this.isComplete && this.options.worker !== false) this.tellUnserved(name, target);
    const handler = () => {
      throw new RedflowSetupError(messages.notExecutable(name, target.name));
    };
    const definition = this.define(metadata, { handler, registry: createRegistry() });
    this.definitions.set(this.keyOf(metadata), definition);
    return definition;
  }

  /** Other processes may well serve it, but a provider that was forgotten looks the same. */
  private tellUnserved(workflow: string, target: DecoratedClass): void {
    const late = [...this.modules.values()].find((module) => module.hasProvider(target as Type));
    if (late) throw new RedflowSetupError(messages.loadedLate(workflow, target.name, late.name));
    this.options.client.logger?.warn(messages.servedElsewhere(workflow, target.name));
  }

  private keyOf({ name, options }: WorkflowMetadata): string {
    return JSON.stringify([name, this.overridesOf(name).version ?? options.version ?? this.options.defaults.version]);
  }

  private define(metadata: WorkflowMetadata, source: ExecutableSource): WorkflowDefinition {
    const options = this.optionsOf(metadata);
    const input = isDtoClass(options.input) ? createDtoSchema(options.input) : options.input;
    return defineWorkflow(metadata.name, { ...options, ...(input && { input }), ...source });
  }

  /** A limit that is not complete is left to the engine, which says what is missing. */
  private optionsOf({ name, options }: WorkflowMetadata): WorkflowOptions {
    return mergeWorkflowOptions(mergeWorkflowOptions(this.options.defaults, options), this.overridesOf(name)) as WorkflowOptions;
  }

  private overridesOf(workflow: string): WorkflowOverrides {
    const { workflows } = this.options;
    return (Object.hasOwn(workflows, workflow) && workflows[workflow]) || {};
  }

  private refuseUnknownOverrides(known: readonly string[]): void {
    // A producer may share its configuration with the workers without providing their classes.
    if (this.options.worker === false) return;
    const unknown = Object.keys(this.options.workflows).find((name) => !known.includes(name));
    if (unknown !== undefined) throw new RedflowSetupError(messages.unknownOverride(unknown, known));
  }

  /** Adds class or method to what the engine says about a workflow's options, and whether configuration set them: it knows the name only. */
  private naming<T>(origin: messages.WorkflowOrigin, metadata: WorkflowMetadata, define: () => T): T {
    try {
      return define();
    } catch (cause) {
      if (!(cause instanceof InvalidOptionError)) throw cause;
      const error = new InvalidOptionError(
        cause.option,
        messages.refusedOption(origin, cause.message, this.setterOf(cause.option, metadata)),
      );
      error.cause = cause;
      throw error;
    }
  }

  /** Which part of the configuration an option comes from; none if the decorator sets it. */
  private setterOf(path: string, { name, options }: WorkflowMetadata): 'workflows' | 'defaults' | undefined {
    const option = path.split('.')[0] as keyof WorkflowOverrides;
    if (this.overridesOf(name)[option] !== undefined) return 'workflows';
    return options[option] === undefined && this.options.defaults[option] !== undefined ? 'defaults' : undefined;
  }
}
