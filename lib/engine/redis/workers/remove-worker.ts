import type { Op } from '../script/op.js';

export function removeWorker(workerId: string): Op<'OK' | 'AGAIN'> {
  return { name: 'remove_worker', args: [workerId], parse: (reply) => reply as 'OK' | 'AGAIN' };
}
