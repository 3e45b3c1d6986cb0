import type { ClaimedRun } from '../runs/claim-runs.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

/** A run of a workflow that the worker does not serve. */
export function putAside({ run, fence, position, suspectGroup, hasBegun }: ClaimedRun): Op<WriteStatus> {
  const args = [run.id, fence, position, suspectGroup > 0 ? 1 : 0, hasBegun ? 1 : 0];
  return { name: 'put_aside', key: run.id, args, parse: asStatus };
}
