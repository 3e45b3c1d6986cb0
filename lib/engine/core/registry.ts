import { onePerProcess } from './copies.js';
import { InvalidOptionError } from './errors/index.js';
import type { AnyWorkflowDefinition, WorkflowDefinition, WorkflowRegistry } from './workflow.types.js';

/** Workflows by name. */
export class Registry implements WorkflowRegistry {
  private readonly definitions = new Map<string, WorkflowDefinition>();

  /** @throws InvalidOptionError when the name is taken */
  add(definition: AnyWorkflowDefinition): void {
    if (this.definitions.has(definition.name)) {
      throw new InvalidOptionError('name', `Workflow "${definition.name}" is defined twice; give one of them another name`);
    }
    this.definitions.set(definition.name, definition);
  }

  get(name: string): WorkflowDefinition | undefined {
    return this.definitions.get(name);
  }

  list(): WorkflowDefinition[] {
    return [...this.definitions.values()];
  }
}

/** A registry of your own, for tests and for processes that serve several sets of workflows. */
export function createRegistry(): WorkflowRegistry {
  return new Registry();
}

/** Where `defineWorkflow` registers what names no registry; a worker without `workflows` serves it. */
export const defaultRegistry = onePerProcess('default-registry', () => new Registry());

/** @throws InvalidOptionError for anything that createRegistry() did not make */
export function asRegistry(registry: WorkflowRegistry): Registry {
  // Not instanceof: another copy of the package may have made it.
  if (typeof registry?.list === 'function' && 'add' in registry) return registry as Registry;
  throw new InvalidOptionError('registry', 'Expected `registry` to come from createRegistry()');
}
