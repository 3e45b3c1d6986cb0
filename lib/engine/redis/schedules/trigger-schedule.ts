import { type NewRun, writtenRunId } from '../runs/create-run.js';
import type { Op } from '../script/op.js';
import { targetArgs } from './fire-schedule.js';

export type Triggered =
  | { readonly status: 'CREATED' | 'COALESCED'; readonly id: string }
  | { readonly status: 'LIMITED'; readonly retryAfterMs: number }
  | { readonly status: 'MISSING' | 'CHANGED' };

/** @param run its id is the caller's, its input the schedule's */
export function triggerSchedule(scheduleId: string, run: NewRun): Op<Triggered> {
  return {
    name: 'trigger_schedule',
    args: [scheduleId, run.id, run.workflow, ...targetArgs(run), run.headers ?? ''],
    isRefusable: true,
    writtenId: writtenRunId,
    parse: (reply) => {
      const [status, id, wait] = reply as [Triggered['status'], string, string];
      if (status === 'LIMITED') return { status, retryAfterMs: Number(wait) };
      return status === 'CREATED' || status === 'COALESCED' ? { status, id } : { status };
    },
  };
}
