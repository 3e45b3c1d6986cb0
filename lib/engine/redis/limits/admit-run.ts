import type { Admission } from '../../core/workflows/admission.js';
import { encodeAdmission } from '../runs/create-run.js';
import type { Op } from '../script/op.js';

export interface Admitted {
  /** `OVER`: the run is queued again, delayed or has ended, so the pass is over. */
  readonly status: 'OK' | 'OVER' | 'DONE' | 'LOST';
}

export function admitRun(runId: string, fence: string, admission: Admission): Op<Admitted> {
  return {
    name: 'admit_run',
    key: runId,
    args: [runId, fence, encodeAdmission({ admission })],
    parse: (reply) => ({ status: reply as Admitted['status'] }),
  };
}
