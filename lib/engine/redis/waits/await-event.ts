import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';

/** A wait for one event of a name and key. */
export interface EventWait {
  readonly event: string;
  readonly correlationKey: string;
  readonly lookback: 'run' | 'none';
}

export interface EventAwaited {
  readonly status: 'OK' | 'DONE' | 'LOST';
  readonly now: number;
  /** When the wait times out. */
  readonly wakeAt?: number;
  /** The step's record has its outcome. */
  readonly isOver: boolean;
}

export const AWAIT_EVENT = defineOperation({
  name: 'await_event',
  key: 'id',
  work: 4,
  args: ['id', 'fence', 'step', 'asked', 'name', 'key', 'timeout', 'lookback'],
  reply: (reply): EventAwaited => {
    const [status, now, wakeAt, over] = reply as [EventAwaited['status'], number, number, number];
    return { status, now, wakeAt: wakeAt || undefined, isOver: over === 1 };
  },
});

export function awaitEvent(
  run: { readonly runId: string; readonly fence: string; readonly step: string; readonly asked?: number | undefined },
  { event, correlationKey, lookback }: EventWait,
  timeoutMs?: number,
): Op<EventAwaited> {
  return AWAIT_EVENT({
    ...{ id: run.runId, fence: run.fence, step: run.step, asked: askedText(run.asked) },
    ...{ name: event, key: correlationKey, timeout: timeoutMs, lookback },
  });
}
