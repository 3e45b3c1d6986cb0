import type { WorkflowOptions } from '../api/workflow.types.js';
import { versionName } from '../checks/describe-value.js';
import { InvalidOptionError } from '../errors/option.errors.js';

/** A definition, as far as it says which version of its workflow it is. */
export interface Versioned {
  readonly options: Pick<WorkflowOptions, 'version' | 'current'>;
}

/** @throws InvalidOptionError when one of `known` has the same version, or is marked as current as well */
export function refuseSameVersion(name: string, known: readonly Versioned[], { options }: Versioned): void {
  const { version, current } = options;
  if (known.some((other) => other.options.version === version)) {
    throw version === undefined
      ? new InvalidOptionError('name', `Workflow "${name}" is defined twice; give one of them another name, or a \`version\``)
      : new InvalidOptionError(
          'version',
          `Version "${version}" of workflow "${name}" is defined twice; raise \`version\` in one of them`,
        );
  }
  const other = current === true && known.find((definition) => definition.options.current === true);
  if (other) {
    const both = `the one with ${versionName(other.options.version)} and the one with ${versionName(version)}`;
    throw new InvalidOptionError(
      'current',
      `Two definitions of workflow "${name}" have \`current: true\`: ${both}. Keep it on the one that new runs are to take`,
    );
  }
}

/**
 * Of the versions of a workflow in one process the one that new runs take; its options hold for the name.
 * @throws InvalidOptionError when there are several and none is marked
 */
export function currentOf<D extends Versioned>(name: string, definitions: readonly D[]): D {
  const current = definitions.length === 1 ? definitions[0] : definitions.find(({ options }) => options.current === true);
  if (current) return current;
  const versions = definitions.map(({ options }) => versionName(options.version)).join(' and with ');
  throw new InvalidOptionError(
    'current',
    `Workflow "${name}" is defined with ${versions}: put \`current: true\` on the one that new runs are to take`,
  );
}
