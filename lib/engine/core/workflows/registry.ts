import type { AnyWorkflowDefinition, WorkflowDefinition, WorkflowRegistry } from '../api/workflow.types.js';
import { onePerProcess } from '../copies.js';
import { InvalidOptionError } from '../errors/index.js';
import { currentOf, refuseSameVersion } from './versions.js';

/** Workflows by name and version. */
export class Registry implements WorkflowRegistry {
  private readonly definitions: WorkflowDefinition[] = [];
  private readonly byName = new Map<string, WorkflowDefinition[]>();

  /** @throws InvalidOptionError when the version of the name is taken, or another one is marked as current, too */
  add(definition: AnyWorkflowDefinition): void {
    const known = this.byName.get(definition.name) ?? [];
    refuseSameVersion(definition.name, known, definition);
    this.byName.set(definition.name, [...known, definition]);
    this.definitions.push(definition);
  }

  /**
   * The current one of the versions that are here.
   * @throws InvalidOptionError when there are several and none is marked
   */
  get(name: string): WorkflowDefinition | undefined {
    const versions = this.byName.get(name);
    return versions && currentOf(name, versions);
  }

  versionsOf(name: string): readonly WorkflowDefinition[] {
    return this.byName.get(name) ?? [];
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  list(): WorkflowDefinition[] {
    return [...this.definitions];
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
