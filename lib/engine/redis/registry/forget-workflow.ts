import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const FORGET_WORKFLOW = defineOperation({
  name: 'forget_workflow',
  args: ['workflow'],
  reply: (reply) => reply as 'OK' | 'AGAIN' | 'SERVED' | 'UNKNOWN',
});

/** Forgets a workflow that nobody serves; `AGAIN` while more of it remains. */
export function forgetWorkflow(workflow: string): Op<'OK' | 'AGAIN' | 'SERVED' | 'UNKNOWN'> {
  return FORGET_WORKFLOW({ workflow });
}
