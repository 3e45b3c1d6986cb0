import type { Op } from '../script/op.js';

export function pauseSchedule(id: string): Op<'OK' | 'MISSING'> {
  return { name: 'pause_schedule', args: [id], parse: (reply) => reply as 'OK' | 'MISSING' };
}
