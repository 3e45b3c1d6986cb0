import { type NewRun, newRunFields } from '../runs/create-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';

export interface ChildStart {
  readonly runId: string;
  readonly fence: string;
  readonly step: string;
  /** See {@link StoredStep}. */
  readonly asked?: number | undefined;
  /** Whether the step waits for the end of the child. */
  readonly waits: boolean;
  /** Place in the order of completion of a step that does not wait. */
  readonly order: number;
  readonly timeoutMs?: number;
  readonly child: NewRun;
}

export interface ChildStarted {
  /**
   * `CANCELED`: a canceled run starts no child. `LIMITED`: the child is over the rate limit of its workflow. `KEY`, `MUTEX`: the child
   * could only go on after this run, because its idempotency key names one that waits for it, or its mutex is held by such a run.
   */
  readonly status: 'OK' | 'DONE' | 'LOST' | 'CONFLICT' | 'LIMITED' | 'CANCELED' | 'KEY' | 'MUTEX';
  readonly now: number;
  /** An idempotency key may have named a run that existed before. When canceled: the reason. For a circle: the other run of it. */
  readonly childRunId: string;
  /** When the wait times out; for a limit ms until it takes the child. */
  readonly wakeAt?: number;
}

export const START_CHILD = defineOperation({
  name: 'start_child',
  key: 'id',
  work: 4,
  args: [
    'id',
    'fence',
    'step',
    'asked',
    'kind',
    'order',
    'timeout',
    'child',
    'workflow',
    'queue',
    'priority',
    'attempts',
    'version',
    'tags',
    'at',
    'delay',
    'idempotency',
    'ttl',
    'input',
    'admission',
    'headers',
    'judged',
  ],
  reply: (reply): ChildStarted => {
    const [status, now, childRunId, wakeAt] = reply as [ChildStarted['status'], number, string, number];
    return { status, now, childRunId, wakeAt: wakeAt || undefined };
  },
});

export function startChild(start: ChildStart): Op<ChildStarted> {
  const { runId, fence, step, asked, waits, order, timeoutMs, child } = start;
  return START_CHILD({
    ...newRunFields(child),
    ...{ id: runId, fence, step, asked: askedText(asked), order, timeout: timeoutMs },
    kind: waits ? 'c' : 'm',
    child: child.id,
  });
}
