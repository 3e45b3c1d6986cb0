import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

const RETIRE_WORKER = defineOperation({
  name: 'retire_worker',
  args: ['worker', '...queues'],
  reply: asStatus,
});

export function retireWorker(workerId: string, queues: readonly string[]): Op<WriteStatus> {
  return RETIRE_WORKER({ worker: workerId, queues });
}
