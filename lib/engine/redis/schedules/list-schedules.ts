import type { ScheduleRecord } from '../../core/api/registry.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

type ScheduleReply = [string, string, string, string, string | null, string | null, string | null];

const LIST_SCHEDULES = defineOperation({
  name: 'list_schedules',
  args: ['after', 'limit'],
  reply: (reply): ScheduleRecord[] =>
    (reply as ScheduleReply[]).map(([id, workflow, expression, timezone, nextAt, lastAt, paused]) => ({
      id,
      workflow,
      expression,
      timezone,
      paused: paused !== null,
      ...(paused === null && nextAt !== null && { nextAt: Number(nextAt) }),
      ...(lastAt !== null && { lastAt: Number(lastAt) }),
    })),
});

/** At most `limit`, by id, after one of the page before. */
export function listSchedules(after: string, limit: number): Op<ScheduleRecord[]> {
  return LIST_SCHEDULES({ after, limit });
}
