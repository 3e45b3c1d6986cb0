import type { Stats } from '../../core/api/client.types.js';
import { closeMatches } from '../../core/checks/close-matches.js';
import { readStats } from '../../redis/queries/read-stats.js';
import type { WorkerContext } from '../worker-context.js';

type Unserved = Stats['unserved'][number];

const MOST_NAMED = 20;

/**
 * Names at the boot what no living worker serves: of the worker's own workflows what it leaves out itself, as with a wrong name among `queues`;
 * of others, in one line, those that are known or have runs. Versions of its own have a warning to themselves.
 */
export async function warnOfUnserved(
  own: ReadonlyArray<{ workflow: string; queue: string }>,
  context: Pick<WorkerContext, 'options' | 'buffer' | 'warn'>,
): Promise<void> {
  const { unserved } = await context.buffer.add(readStats(own));
  const names = new Set(own.map(({ workflow }) => workflow));
  for (const { workflow, queue, version } of unserved) {
    if (names.has(workflow) && version === undefined)
      context.warn(leftOut(workflow, queue, context.options.queues), { workflow, queue });
  }
  const others = unserved.filter(({ workflow }) => !names.has(workflow));
  if (others.length > 0) context.warn(restsElsewhere(others), { unserved: others });
}

function leftOut(workflow: string, queue: string, served: readonly string[]): string {
  const [match] = closeMatches(queue, served);
  const meant = match === undefined ? '' : ` Did you mean "${match}"?`;
  return (
    `No living worker serves queue "${queue}" of workflow "${workflow}": its runs wait until one does.${meant} Add it to worker option ` +
    `queues (${served.map((name) => `"${name}"`).join(', ')}), or start the process that serves it.`
  );
}

function restsElsewhere(unserved: readonly Unserved[]): string {
  const more = unserved.length > MOST_NAMED ? ` and ${unserved.length - MOST_NAMED} more` : '';
  return (
    `No living worker serves ${unserved.slice(0, MOST_NAMED).map(describe).join(', ')}${more}: their runs and those of their events wait, their ` +
    'schedules do not fire, until one does. A workflow is kept for `forgetAfter` of the workers that served it; client.forgetWorkflow() forgets it now.'
  );
}

function describe({ workflow, queue, version, runs }: Unserved): string {
  const what = version === undefined ? `workflow "${workflow}"` : `version "${version}" of workflow "${workflow}"`;
  return runs === 0 ? what : `${what} (${runs} ${runs === 1 ? 'run waits' : 'runs wait'} in queue "${queue}")`;
}
