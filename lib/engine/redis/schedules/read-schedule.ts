import { sealedText } from '../../core/payload/sealer.js';
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

export function readSchedule(id: string): Op<ScheduleRead | null> {
  return {
    name: 'read_schedule',
    args: [id],
    sealed: (reply) => (reply ? sealedText(reply as string[], 4, `input of schedule "${id}"`) : []),
    parse: (reply) => {
      if (!reply) return null;
      const [now, workflow, expression, timezone, input] = reply as [number, string, string, string, string];
      return { now, schedule: { id, workflow, expression, timezone, input } };
    },
  };
}
