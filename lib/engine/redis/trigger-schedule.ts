import type { NewRun } from './create-run.js';
import { targetArgs } from './fire-schedule.js';
import type { Op } from './op.js';

/** @param run its id is the caller's, its input the schedule's */
export function triggerSchedule(scheduleId: string, run: NewRun): Op<'CREATED' | 'MISSING' | 'CHANGED'> {
  return {
    name: 'trigger_schedule',
    args: [scheduleId, run.id, run.workflow, ...targetArgs(run)],
    parse: (reply) => reply as 'CREATED' | 'MISSING' | 'CHANGED',
  };
}
