import type { ScheduleRecord } from '../../core/api/registry.types.js';
import type { Op } from '../script/op.js';

type ScheduleReply = [string, string, string, string, string | null, string | null, string | null];

/** At most `limit`, by id, after one of the page before. */
export function listSchedules(after: string, limit: number): Op<ScheduleRecord[]> {
  return {
    name: 'list_schedules',
    args: [after, limit],
    parse: (reply) =>
      (reply as ScheduleReply[]).map(([id, workflow, expression, timezone, nextAt, lastAt, paused]) => ({
        id,
        workflow,
        expression,
        timezone,
        paused: paused !== null,
        ...(paused === null && nextAt !== null && { nextAt: Number(nextAt) }),
        ...(lastAt !== null && { lastAt: Number(lastAt) }),
      })),
  };
}
