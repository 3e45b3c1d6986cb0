import type { Op } from '../script/op.js';

/** Forgets a workflow that nobody serves; `AGAIN` while more of it remains. */
export function forgetWorkflow(workflow: string): Op<'OK' | 'AGAIN' | 'SERVED' | 'UNKNOWN'> {
  return { name: 'forget_workflow', args: [workflow], parse: (reply) => reply as 'OK' | 'AGAIN' | 'SERVED' | 'UNKNOWN' };
}
