import { sealedText } from '../../core/payload/sealer.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface StoredSchedule {
  readonly id: string;
  readonly workflow: string;
  readonly expression: string;
  readonly timezone: string;
  /** Encoded payload. */
  readonly input: string;
}

export interface ScheduleRead {
  readonly now: number;
  readonly schedule: StoredSchedule;
}

const READ_SCHEDULE = defineOperation({
  name: 'read_schedule',
  args: ['id'],
  sealed: (reply, { id }) => (reply ? sealedText(reply as string[], 4, `input of schedule "${id}"`) : []),
  reply: (reply, { id }): ScheduleRead | null => {
    if (!reply) return null;
    const [now, workflow, expression, timezone, input] = reply as [number, string, string, string, string];
    return { now, schedule: { id: id as string, workflow, expression, timezone, input } };
  },
});

export function readSchedule(id: string): Op<ScheduleRead | null> {
  return READ_SCHEDULE({ id });
}
