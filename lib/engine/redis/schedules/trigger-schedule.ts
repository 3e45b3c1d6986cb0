import { type NewRun, newRunFields, writtenRunId } from '../runs/create-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export type Triggered =
  | { readonly status: 'CREATED' | 'COALESCED'; readonly id: string }
  | { readonly status: 'LIMITED'; readonly retryAfterMs: number }
  | { readonly status: 'MISSING' | 'CHANGED' };

const TRIGGER_SCHEDULE = defineOperation({
  name: 'trigger_schedule',
  args: ['id', 'run', 'workflow', 'queue', 'priority', 'attempts', 'tags', 'admission', 'headers'],
  creates: true,
  replicaId: writtenRunId,
  reply: (reply): Triggered => {
    const [status, id, wait] = reply as [Triggered['status'], string, string];
    if (status === 'LIMITED') return { status, retryAfterMs: Number(wait) };
    return status === 'CREATED' || status === 'COALESCED' ? { status, id } : { status };
  },
});

/** @param run its id is the caller's, its input the schedule's */
export function triggerSchedule(scheduleId: string, run: NewRun): Op<Triggered> {
  return TRIGGER_SCHEDULE({ ...newRunFields(run), id: scheduleId, run: run.id });
}
