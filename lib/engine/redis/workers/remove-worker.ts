import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const REMOVE_WORKER = defineOperation({
  name: 'remove_worker',
  args: ['worker'],
  reply: (reply) => reply as 'OK' | 'AGAIN',
});

export function removeWorker(workerId: string): Op<'OK' | 'AGAIN'> {
  return REMOVE_WORKER({ worker: workerId });
}
