import type { Op } from '../script/op.js';
import type { StoredSchedule } from './read-schedule.js';

/** @param following the schedule's next instant from now on */
export function resumeSchedule(
  { id, expression, timezone }: StoredSchedule,
  following: number,
): Op<'OK' | 'MISSING' | 'CHANGED'> {
  return {
    name: 'resume_schedule',
    args: [id, expression, timezone, following],
    parse: (reply) => reply as 'OK' | 'MISSING' | 'CHANGED',
  };
}
