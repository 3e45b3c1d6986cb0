import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const PAUSE_SCHEDULE = defineOperation({
  name: 'pause_schedule',
  args: ['id'],
  reply: (reply) => reply as 'OK' | 'MISSING',
});

export function pauseSchedule(id: string): Op<'OK' | 'MISSING'> {
  return PAUSE_SCHEDULE({ id });
}
