import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import type { StoredSchedule } from './read-schedule.js';

const RESUME_SCHEDULE = defineOperation({
  name: 'resume_schedule',
  args: ['id', 'expression', 'zone', 'following'],
  reply: (reply) => reply as 'OK' | 'MISSING' | 'CHANGED',
});

/** @param following the schedule's next instant from now on */
export function resumeSchedule(
  { id, expression, timezone }: StoredSchedule,
  following: number,
): Op<'OK' | 'MISSING' | 'CHANGED'> {
  return RESUME_SCHEDULE({ id, expression, zone: timezone, following });
}
