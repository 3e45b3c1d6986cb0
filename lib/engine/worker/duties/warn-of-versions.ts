import { findUnservedVersions } from '../../redis/versions/find-unserved-versions.js';
import type { WorkerContext } from '../worker-context.js';

/** Workflows per call, so that a large deployment does not hold Redis up. */
const BATCH = 100;

/** Names at the boot what a deploy has left behind: runs pinned to code that nobody has any more. */
export async function warnOfUnservedVersions(
  workflows: readonly string[],
  context: Pick<WorkerContext, 'buffer' | 'warn'>,
): Promise<void> {
  for (let from = 0; from < workflows.length; from += BATCH) {
    for (const { workflow, version, runs } of await context.buffer.add(
      findUnservedVersions(workflows.slice(from, from + BATCH)),
    )) {
      const are = runs === 1 ? 'run is' : 'runs are';
      context.warn(
        `${runs} ${are} pinned to version "${version}" of workflow "${workflow}", which no living worker serves, and will wait until one does. ` +
          'Keep the code of a version until getVersions() counts no runs of it.',
        { workflow, version, runs },
      );
    }
  }
}
