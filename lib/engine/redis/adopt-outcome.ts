import { asStatus, type Op, type WriteStatus } from './op.js';

/** Gives an outcome that came from outside its place in the order of completion. */
export function adoptOutcome(runId: string, fence: string, step: string, order: number): Op<WriteStatus> {
  return { name: 'adopt_outcome', key: runId, args: [runId, fence, step, order], parse: asStatus };
}
