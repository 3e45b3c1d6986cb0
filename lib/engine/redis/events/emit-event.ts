import type { Admission } from '../../core/workflows/admission.js';
import type { RunTarget } from '../../core/workflows/run-target.js';
import { encodeAdmission } from '../runs/create-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';

/** Whether a subscriber takes an event. */
export interface EventAdmission {
  /** `d` delivered, `s` skipped by its filter, `f` failed. */
  readonly status: 'd' | 's' | 'f';
  /** Encoded error of a failed delivery. */
  readonly error: string;
  /** What the run of a delivered one is subject to. */
  readonly admission?: Admission;
}

/** What the emitter knows of one subscriber. */
export interface Verdict extends EventAdmission {
  readonly target: RunTarget;
}

/** An event, checked and encoded. */
export interface NewEvent {
  readonly id: string;
  /** '' when the id was generated for this call: then an existing event of that id is this call's own, sent before. */
  readonly nonce: string;
  readonly name: string;
  /** Epoch ms; undefined is the Redis time of the emission. */
  readonly ts?: number;
  readonly correlationKey?: string;
  /** Encoded payload. */
  readonly data: string;
  /** Encoded: what interceptors send along to the runs that it creates, '' for none. */
  readonly headers: string;
  readonly verdicts: readonly Verdict[];
}

/** The step that emits an event, if one does. */
export interface EmittingStep {
  readonly runId: string;
  readonly fence: string;
  readonly step: string;
  /** See {@link StoredStep}. */
  readonly asked?: number | undefined;
  readonly order: number;
}

export interface Emitted {
  /** `EXISTS`: an event of this id was emitted before. */
  readonly status: 'OK' | 'EXISTS' | 'DONE' | 'LOST';
  /** Subscribers or waits are left for continue_event. */
  readonly more: boolean;
  /** For a step: its encoded result, the ids of the subscribers' runs. */
  readonly result: string;
}

export const EMIT_EVENT = defineOperation({
  name: 'emit_event',
  key: ({ id, run }) => (run ?? id) as string,
  work: 4,
  args: ['id', 'nonce', 'name', 'ts', 'key', 'data', 'run', 'fence', 'step', 'asked', 'order', 'headers', '...verdicts'],
  // What a step emits belongs to a run that has begun.
  creates: ({ run }) => run === undefined,
  replicaId: (_reply, { id }) => id as string,
  reply: (reply): Emitted => {
    const [status, more, result] = reply as [Emitted['status'], number, string];
    return { status, more: more === 1, result };
  },
});

export function emitEvent(event: NewEvent, by?: EmittingStep): Op<Emitted> {
  return EMIT_EVENT({
    ...{ id: event.id, nonce: event.nonce, name: event.name, ts: event.ts, key: event.correlationKey, data: event.data },
    ...{ run: by?.runId, fence: by?.fence, step: by?.step, asked: askedText(by?.asked), order: by?.order },
    headers: event.headers,
    verdicts: event.verdicts.flatMap(verdictArgs),
  });
}

function verdictArgs({ target, status, error, admission }: Verdict): Array<string | number> {
  const { workflow, queue, priority, maxAttempts = '', version = '', tags } = target;
  return [
    workflow,
    status,
    error,
    queue,
    priority,
    maxAttempts,
    Object.keys(tags).length > 0 ? JSON.stringify(tags) : '',
    version,
    encodeAdmission({ admission }),
  ];
}
