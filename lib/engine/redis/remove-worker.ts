import type { Op } from './op.js';

export function removeWorker(workerId: string, queues: readonly string[]): Op<'OK' | 'AGAIN'> {
  return { name: 'remove_worker', args: [workerId, ...queues], parse: (reply) => reply as 'OK' | 'AGAIN' };
}
