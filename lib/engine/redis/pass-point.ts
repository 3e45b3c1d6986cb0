import { asStatus, type Op, type WriteStatus } from './op.js';

/** @param number how many points of no return the handler has passed, this one included */
export function passPoint(runId: string, fence: string, number: number, order: number): Op<WriteStatus> {
  return { name: 'pass_point', key: runId, args: [runId, fence, number, order], parse: asStatus };
}
