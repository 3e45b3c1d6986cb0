import type { ReceivedEvent } from '../../core/api/event.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { admissionOf } from '../../core/workflows/admission.js';
import { validateInput } from '../../core/workflows/validate-input.js';
import { admitEvent } from '../../creation/admit-event.js';
import type { EventAdmission } from '../../redis/events/emit-event.js';
import { settleDelivery } from '../../redis/events/settle-delivery.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import type { Op, WriteStatus } from '../../redis/script/op.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { StepHost } from '../steps/step-host.js';
import type { ServedWorkflow } from './pass-host.js';
import { hasBegun } from './run-input.js';

/** What is needed of the pass. */
export interface UndecidedPass extends StepHost {
  readonly claimed: ClaimedRun;
  readonly data: RunData;
  readonly isOver: boolean;
  /** Ends the attempt as the handler's error would. */
  fail(thrown: unknown): Promise<void>;
  /** Ends the pass before its handler has started. */
  close(outcome: 'failed' | 'parked', last?: Op<WriteStatus>): void;
}

/** Whether a run waits for what its creator did not know of its workflow: filter, schema and key functions. */
export function isUndecided({ run }: ClaimedRun, data: RunData, { options }: ServedWorkflow): boolean {
  if (run.unjudged) return true;
  // The options may be newer than the run.
  return run.unadmitted && options.admission !== undefined && !hasBegun(run, data);
}

/** Asks them, and says in Redis what follows. @param begin lets the handler start */
export async function decide(pass: UndecidedPass, workflow: ServedWorkflow, begin: () => void): Promise<void> {
  const { claimed, journal } = pass;
  const { id, unjudged } = claimed.run;
  let admitted: EventAdmission;
  try {
    admitted = await admitLate(pass, workflow);
  } catch (error) {
    return pass.fail(error);
  }
  if (pass.isOver) return;
  const settled = settleDelivery(id, claimed.fence, admitted);
  if (admitted.status !== 'd') {
    pass.close('failed', settled);
  } else if (admitted.admission) {
    journal.admit(admitted.admission, ({ status }) => {
      if (pass.isOver) return;
      if (status === 'OK') begin();
      else pass.close('parked');
    });
  } else {
    if (unjudged) journal.settle(settled);
    begin();
  }
}

/** Only an event's run may be skipped. @throws what the schema throws at an input that is no event's data */
async function admitLate(
  { claimed, data, context, worker }: UndecidedPass,
  { options }: ServedWorkflow,
): Promise<EventAdmission> {
  const { run } = claimed;
  const { workflow } = run;
  const { input, events, admission } = options;
  if (run.unjudged) return admitEvent({ workflow, input, events, admission }, context.event as ReceivedEvent, worker.sealer);
  const given = decodePayload(data.input);
  const seen = input ? await validateInput(input, given, workflow) : given;
  try {
    return { status: 'd', error: '', admission: admission && admissionOf(admission, seen, workflow) };
  } catch (error) {
    return { status: 'f', error: (await worker.sealer.sealError(error, `error of run "${run.id}"`)).sealed };
  }
}
