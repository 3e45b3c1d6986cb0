import type { Op } from './op.js';

export function pauseSchedule(id: string): Op<'OK' | 'MISSING'> {
  return { name: 'pause_schedule', args: [id], parse: (reply) => reply as 'OK' | 'MISSING' };
}
