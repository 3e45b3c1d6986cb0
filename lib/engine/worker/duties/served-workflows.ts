import type { AnyWorkflowDefinition } from '../../core/api/workflow.types.js';
import { checkErrorLists, type ErrorClasses, errorListOf } from '../../core/errors/error-classes.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { resolveWorkflowOptions } from '../../core/workflows/resolve-workflow.js';
import { currentOf, refuseSameVersion } from '../../core/workflows/versions.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { ServedWorkflow } from '../pass/pass-host.js';

/** The workflows that a worker executes, by name and version. */
export class ServedWorkflows {
  private readonly byName = new Map<string, ServedWorkflow[]>();
  /** For each name the version that holds: its subscriptions, schedules and limits are those of the name. */
  readonly current: readonly ServedWorkflow[];

  /**
   * @param errors what the worker lists for all of them
   * @throws InvalidOptionError for options that are wrong, for versions that exclude each other, or for error classes of one name
   */
  constructor(definitions: Iterable<AnyWorkflowDefinition>, errors: ErrorClasses) {
    for (const definition of definitions) {
      const { name, handler, onFailure, options } = definition;
      const known = this.byName.get(name) ?? [];
      refuseSameVersion(name, known, definition);
      const resolved = resolveWorkflowOptions(name, options);
      const listed = errors.with(resolved.errors, errorListOf(definition).place);
      this.byName.set(name, [...known, { options: resolved, handler, onFailure, errors: listed }]);
    }
    this.current = [...this.byName].map(([name, versions]) => currentOf(name, versions));
    refuseDuplicateSchedules(this.current);
    checkErrorLists(this.all.map(({ options }) => errorListOf({ name: options.name, options })));
  }

  get all(): ServedWorkflow[] {
    return [...this.byName.values()].flat();
  }

  /** By which runs find this worker: the names, for runs without a version, and each with each of its versions. */
  get routes(): string[] {
    const versions = this.all.flatMap(({ options }) =>
      options.version === undefined ? [] : [`${options.name}\0${options.version}`],
    );
    return [...this.byName.keys(), ...versions];
  }

  versionsOf(name: string): readonly ServedWorkflow[] {
    return this.byName.get(name) ?? [];
  }

  /** What executes a run: the version that it is pinned to. Any may go on with one that began without. */
  for({ workflow, version }: Pick<StoredRun, 'workflow' | 'version'>): ServedWorkflow | undefined {
    const same = this.versionsOf(workflow).find(({ options }) => options.version === version);
    return same ?? (version === undefined ? this.current.find(({ options }) => options.name === workflow) : undefined);
  }
}

function refuseDuplicateSchedules(workflows: Iterable<ServedWorkflow>): void {
  const owners = new Map<string, string>();
  for (const { options } of workflows) {
    for (const { id } of options.schedules) {
      const owner = owners.get(id);
      if (owner !== undefined) {
        throw new InvalidOptionError(
          'cron.id',
          `Schedule "${id}" is declared by workflows "${owner}" and "${options.name}"; give one of them another \`id\``,
        );
      }
      owners.set(id, options.name);
    }
  }
}
