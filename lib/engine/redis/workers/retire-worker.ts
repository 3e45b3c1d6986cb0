import { asStatus, type Op, type WriteStatus } from '../script/op.js';

export function retireWorker(workerId: string, queues: readonly string[]): Op<WriteStatus> {
  return { name: 'retire_worker', args: [workerId, ...queues], parse: asStatus };
}
