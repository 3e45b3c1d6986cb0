import type { ReceivedEvent } from '../core/event.types.js';
import type { ClaimedRun } from '../redis/claim-runs.js';
import { judgeEvent } from '../redis/judge-event.js';
import type { Op, WriteStatus } from '../redis/op.js';
import { settleDelivery } from '../redis/settle-delivery.js';
import type { ServedWorkflow } from './pass-host.js';
import type { StepHost } from './step-host.js';

/**
 * Asks the filter and schema of a subscriber that the event's emitter did not know.
 * @returns whether the run is to be executed, and the write that says so
 */
export async function judgeDelivery(
  { run, fence }: ClaimedRun,
  { options: { input, events } }: ServedWorkflow,
  { context, worker }: StepHost,
): Promise<{ isDelivered: boolean; settled: Op<WriteStatus> }> {
  const judgement = await judgeEvent({ workflow: run.workflow, input, events }, context.event as ReceivedEvent, worker.sealer);
  return { isDelivered: judgement.status === 'd', settled: settleDelivery(run.id, fence, judgement) };
}
