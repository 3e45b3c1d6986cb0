import type { AnyWorkflowClass, AnyWorkflowDefinition, AnyWorkflowRef } from '../core/api/workflow.types.js';
import { describeValue } from '../core/checks/describe-value.js';
import { type ErrorClasses, errorListOf } from '../core/errors/error-classes.js';
import { InvalidOptionError, UnknownWorkflowError } from '../core/errors/index.js';
import { defaultRegistry, Registry } from '../core/workflows/registry.js';
import { resolveWorkflowOptions } from '../core/workflows/resolve-workflow.js';
import type { ServedWorkflow } from '../worker/pass/pass-host.js';
import { classWithoutInstance, unknownChild } from './inline.messages.js';
import type { AnyInlineWorkflow, DescribeInstance, WorkflowInstance } from './inline.types.js';

/** The workflows that one inline execution can run, found as its steps name them. */
export class InlineWorkflows {
  readonly registry = new Registry();
  private readonly served = new Map<string, ServedWorkflow>();
  private readonly instances: Array<{ readonly instance: object; readonly definition: AnyWorkflowDefinition }> = [];

  constructor(
    private readonly describe: DescribeInstance,
    private readonly errors: ErrorClasses,
  ) {}

  /** What is given for a name first stands for it. */
  add(workflow: AnyInlineWorkflow): AnyWorkflowDefinition {
    if (isDefinition(workflow)) return this.register(workflow);
    const definition = this.register(this.describe(workflow));
    this.instances.push({ instance: workflow, definition });
    return definition;
  }

  /** Makes known what a step starts. @returns false if that cannot be executed here */
  adopt(ref: AnyWorkflowRef): boolean {
    if (typeof ref === 'string') {
      const known = this.registry.get(ref) ?? defaultRegistry.get(ref);
      if (known) this.register(known);
      return known !== undefined;
    }
    if (typeof ref === 'function') return this.resolveClass(ref) !== undefined;
    // Whatever else it is, the engine says what is wrong with it.
    if (isDefinition(ref)) this.register(ref);
    return true;
  }

  /** The workflow of a class: of an instance that was given, or of a new one if the class needs nothing. */
  readonly resolveClass = (type: AnyWorkflowClass): AnyWorkflowDefinition | undefined => {
    const known = this.instances.find(({ instance }) => instance instanceof type);
    if (known) return known.definition;
    return type.length === 0 ? this.add(new type()) : undefined;
  };

  whyUnknown(step: string, ref: AnyWorkflowRef): string {
    return typeof ref === 'function' ? classWithoutInstance(step, ref.name) : unknownChild(step, String(ref));
  }

  get(name: string): ServedWorkflow {
    const known = this.served.get(name);
    if (known) return known;
    const definition = this.registry.get(name);
    if (!definition) throw new UnknownWorkflowError({ workflow: name, suggestions: [] });
    const { handler, onFailure, options } = definition;
    const errors = this.errorsOf(definition);
    const served = { options: resolveWorkflowOptions(name, options), handler, onFailure, errors };
    this.served.set(name, served);
    return served;
  }

  /** @throws InvalidOptionError for a class of a name that stands for another one in this execution */
  private errorsOf(definition: AnyWorkflowDefinition): ErrorClasses {
    const { errors, place } = errorListOf(definition);
    return this.errors.with(errors, place);
  }

  private register(definition: AnyWorkflowDefinition): AnyWorkflowDefinition {
    const known = this.registry.get(definition.name);
    if (known) return known;
    // Before anything runs: once passes do, there is nobody to tell.
    this.errorsOf(definition);
    this.registry.add(definition);
    return definition;
  }
}

function isDefinition(workflow: AnyInlineWorkflow): workflow is AnyWorkflowDefinition {
  return typeof (workflow as Partial<AnyWorkflowDefinition> | null)?.handler === 'function';
}

function isInstance(workflow: unknown): workflow is WorkflowInstance {
  return typeof (workflow as Partial<WorkflowInstance> | null)?.run === 'function';
}

/** @throws InvalidOptionError */
export function checkWorkflow(workflow: AnyInlineWorkflow, option: string): AnyInlineWorkflow {
  if (isDefinition(workflow) || isInstance(workflow)) return workflow;
  throw new InvalidOptionError(
    option,
    `Expected \`${option}\` to be a definition or an instance of a workflow class, with its run(ctx); got ${describeValue(workflow)}`,
  );
}
