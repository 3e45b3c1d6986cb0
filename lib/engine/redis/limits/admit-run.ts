import type { Admission } from '../../core/workflows/admission.js';
import { encodeAdmission } from '../runs/create-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Admitted {
  /** `OVER`: the run is queued again, delayed or has ended, so the pass is over. */
  readonly status: 'OK' | 'OVER' | 'DONE' | 'LOST';
}

const ADMIT_RUN = defineOperation({
  name: 'admit_run',
  key: 'id',
  args: ['id', 'fence', 'admission'],
  reply: (reply): Admitted => ({ status: reply as Admitted['status'] }),
});

export function admitRun(runId: string, fence: string, admission: Admission): Op<Admitted> {
  return ADMIT_RUN({ id: runId, fence, admission: encodeAdmission({ admission }) });
}
