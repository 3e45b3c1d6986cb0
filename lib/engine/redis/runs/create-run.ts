import type { Admission, KeyedLimit } from '../../core/workflows/admission.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface NewRun {
  readonly id: string;
  /** '' when the id was generated for this call: then an existing run of that id is this call's own, sent before. */
  readonly nonce: string;
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts?: number;
  /** The version that it is pinned to; undefined for the current one of its first claim. */
  readonly version?: string;
  /** The version whose schema its input has passed. */
  readonly judgedByVersion?: string;
  readonly tags?: Record<string, string>;
  readonly start: { at: number } | { delayMs: number };
  readonly idempotencyKey?: string;
  readonly idempotencyTtlMs: number;
  /** Encoded payload. */
  readonly input: string;
  /** What its workflow's options make it subject to; undefined for nothing. */
  readonly admission?: Admission;
  /** Encoded: what interceptors send along to its passes. */
  readonly headers?: string;
  /** Its creator does not know what it is subject to: the first worker will. */
  readonly isForeign?: boolean;
}

export type Created =
  /** `COALESCED`: a debounced run that is yet to start has taken the input. */
  | { readonly status: 'CREATED' | 'EXISTS' | 'COALESCED'; readonly id: string }
  | { readonly status: 'CONFLICT'; readonly id: string; readonly workflow: string }
  /** Over the rate limit of its workflow; nothing was written. */
  | { readonly status: 'LIMITED'; readonly id: string; readonly retryAfterMs: number };

export const CREATE_RUN = defineOperation({
  name: 'create_run',
  args: [
    'id',
    'nonce',
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
  creates: true,
  replicaId: writtenRunId,
  reply: (reply): Created => {
    const [status, id, detail] = reply as [Created['status'], string, string];
    if (status === 'CONFLICT') return { status, id, workflow: detail };
    return status === 'LIMITED' ? { status, id, retryAfterMs: Number(detail) } : { status, id };
  },
});

export function createRun(run: NewRun): Op<Created> {
  return CREATE_RUN(newRunFields(run));
}

/** An idempotency key may have named a run that existed before. */
export function writtenRunId(reply: unknown): string | undefined {
  const [status, id] = reply as [Created['status'], string];
  return status === 'CREATED' || status === 'EXISTS' || status === 'COALESCED' ? id : undefined;
}

/** A new run as the scripts take it. */
export function newRunFields(run: NewRun) {
  return {
    id: run.id,
    nonce: run.nonce,
    workflow: run.workflow,
    queue: run.queue,
    priority: run.priority,
    attempts: run.maxAttempts,
    version: run.version,
    tags: run.tags && Object.keys(run.tags).length > 0 ? JSON.stringify(run.tags) : undefined,
    at: 'at' in run.start ? run.start.at : undefined,
    delay: 'delayMs' in run.start ? Math.floor(run.start.delayMs) : 0,
    idempotency: run.idempotencyKey,
    ttl: run.idempotencyTtlMs,
    input: run.input,
    admission: encodeAdmission(run),
    headers: run.headers,
    judged: run.judgedByVersion,
  };
}

/** As redis/limits/admission.lua reads it. */
export function encodeAdmission({ admission, isForeign }: Pick<NewRun, 'admission' | 'isForeign'>): string {
  if (isForeign) return '?';
  if (!admission) return '';
  const { mutex, throttle, rateLimit, debounce } = admission;
  const limit = (limited: KeyedLimit | undefined) => limited && [limited.limit, limited.periodMs, limited.key];
  return JSON.stringify({
    m: mutex,
    t: limit(throttle),
    r: limit(rateLimit),
    d: debounce && [debounce.periodMs, debounce.timeoutMs ?? 0, debounce.key],
  });
}
