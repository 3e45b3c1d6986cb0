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

export type ChildStarted = { readonly now: number } & (
  | {
      readonly status: 'OK';
      /** An idempotency key may have named a run that existed before. */
      readonly childRunId: string;
      /** When the wait times out. */
      readonly wakeAt?: number;
    }
  | { readonly status: 'DONE' | 'LOST' }
  /** Its id is that of a run of another workflow. */
  | { readonly status: 'CONFLICT'; readonly childRunId: string }
  /** It is over the rate limit of its workflow. */
  | { readonly status: 'LIMITED'; readonly childRunId: string; readonly retryAfterMs: number }
  /** A canceled run starts no child. */
  | { readonly status: 'CANCELED'; readonly reason: string }
  /** It could only go on after this run: its idempotency key names one that waits for this one, or such a run holds its mutex. */
  | { readonly status: 'KEY' | 'MUTEX'; readonly otherRunId: string }
);

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
    const [status, now, text, ms] = reply as [ChildStarted['status'], number, string, number];
    switch (status) {
      case 'OK':
        return { status, now, childRunId: text, wakeAt: ms || undefined };
      case 'CONFLICT':
        return { status, now, childRunId: text };
      case 'LIMITED':
        return { status, now, childRunId: text, retryAfterMs: ms };
      case 'CANCELED':
        return { status, now, reason: text };
      case 'KEY':
      case 'MUTEX':
        return { status, now, otherRunId: text };
      default:
        return { status, now };
    }
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
