import type { ClaimedRun } from '../runs/claim-runs.js';
import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';

const PUT_ASIDE = defineOperation({
  name: 'put_aside',
  key: 'id',
  args: ['id', 'fence', 'position', 'suspect', 'began'],
  reply: asStatus,
});

/** A run of a workflow that the worker does not serve. */
export function putAside({ run, fence, position, suspectGroup, hasBegun }: ClaimedRun): Op<WriteStatus> {
  return PUT_ASIDE({ id: run.id, fence, position, suspect: suspectGroup > 0, began: hasBegun });
}
