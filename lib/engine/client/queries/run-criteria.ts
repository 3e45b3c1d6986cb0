import type { RunFilter } from '../../core/api/client.types.js';
import { canBeName, canBeTags } from '../../core/checks/checks.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import type { RunCriteria } from '../../redis/queries/list-runs.js';
import { RUN_STATUSES } from '../../redis/runs/run-status.js';
import { checkTime } from './page-checks.js';

/** What a filter says of the runs that it wants. */
export const RUN_CRITERIA = [
  'status',
  'workflow',
  'queue',
  'tag',
  'parentRunId',
  'createdAfter',
  'createdBefore',
] as const satisfies ReadonlyArray<keyof RunFilter>;

/** What it says of the page. */
export const PAGE_KEYS = ['sort', 'limit', 'cursor'] as const satisfies ReadonlyArray<keyof RunFilter>;

/**
 * @returns undefined for criteria that no run can meet
 * @throws InvalidOptionError
 */
export function resolveCriteria(filter: RunFilter): RunCriteria | undefined {
  const { status, workflow, queue, tag, parentRunId, createdAfter, createdBefore } = filter;
  const statuses = status === undefined ? [] : [status].flat();
  for (const one of statuses) {
    if (!RUN_STATUSES.includes(one))
      throw new InvalidOptionError('status', `Expected \`status\` to be one of ${RUN_STATUSES.join(', ')}; got '${one}'`);
  }
  const asked = [
    workflow === undefined || canBeName(workflow, 'workflow'),
    queue === undefined || canBeName(queue, 'queue'),
    tag === undefined || canBeTags(tag, 'tag'),
    parentRunId === undefined || canBeName(parentRunId, 'parentRunId'),
  ];
  if (createdAfter !== undefined) checkTime(createdAfter, 'createdAfter');
  if (createdBefore !== undefined) checkTime(createdBefore, 'createdBefore');
  if (asked.includes(false)) return undefined;
  return { statuses, workflow, queue, tags: tag, parentRunId, createdAfter, createdBefore };
}
