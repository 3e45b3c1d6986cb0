import type { RunRecord, RunTrigger, StoredError } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { type SealedText, sealedText } from '../../core/payload/sealer.js';
import { type BlockReason, blockMessage } from '../../core/replay/block-reason.js';
import { RUN_FIELDS } from '../stored-names.js';
import { statusOf } from './run-status.js';

/** Attempts of a run whose creator did not know the workflow and whose worker has not seen it yet. */
export const DEFAULT_MAX_ATTEMPTS = 3;

/** Metadata of a run, still without its payloads. */
export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  readonly failures: number;
  readonly maxAttempts?: number;
  readonly recoveries: number;
  readonly recoveryStreak: number;
  readonly createdAt: number;
  readonly availableAt: number;
  readonly startedAt?: number;
  /** The one that it is pinned to. */
  readonly version?: string;
  /** The one whose schema its input has passed when it was created. */
  readonly judgedByVersion?: string;
  readonly tags: Record<string, string>;
  readonly trigger: RunTrigger;
  readonly parentRunId?: string;
  readonly parentStep?: string;
  readonly rootRunId: string;
  readonly eventId?: string;
  readonly scheduleId?: string;
  readonly scheduledFor?: number;
  /** Created for an event by somebody who did not know the subscriber's filter and schema. */
  readonly unjudged: boolean;
  /** Created by somebody who did not know the limits of its workflow. */
  readonly unadmitted: boolean;
  readonly idempotencyKey?: string;
  readonly handBacks: number;
  /** How long it was set aside in all, while its timeout stood still. */
  readonly blockedMs: number;
  /** Epoch ms; undefined while nobody has asked. */
  readonly cancelRequestedAt?: number;
  /** It compensates on its way to this outcome: failed or canceled. */
  readonly unwinding?: 'f' | 'c';
  /** On the run of a failure hook: the run that has failed. */
  readonly hookOf?: string;
}

/** A run's hash, by the names of what its fields hold. */
export type RawFields = Partial<Record<keyof typeof RUN_FIELDS, string>>;

const PROPERTY_OF_FIELD = new Map<string, string>(Object.entries(RUN_FIELDS).map(([name, code]) => [code, name]));

/** Reads the flat answer of HGETALL. */
export function fieldsOfHash(flat: readonly string[]): RawFields {
  const raw: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) {
    const property = PROPERTY_OF_FIELD.get(flat[i]);
    if (property) raw[property] = flat[i + 1];
  }
  return raw;
}

const optionalNumber = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

export function toStoredRun(id: string, raw: RawFields): StoredRun {
  return {
    id,
    workflow: raw.workflow as string,
    queue: raw.queue as string,
    priority: Number(raw.priority ?? 0),
    failures: Number(raw.failures ?? 0),
    maxAttempts: optionalNumber(raw.maxAttempts),
    recoveries: Number(raw.recoveries ?? 0),
    recoveryStreak: Number(raw.recoveryStreak ?? 0),
    // Stamps are microseconds.
    createdAt: Math.floor(Number(raw.stamp ?? raw.hookStamp) / 1_000),
    availableAt: Number(raw.availableAt),
    startedAt: optionalNumber(raw.startedAt),
    version: raw.version,
    judgedByVersion: raw.judgedByVersion,
    tags: raw.tags ? JSON.parse(raw.tags) : {},
    trigger: (raw.trigger as RunTrigger | undefined) ?? 'api',
    parentRunId: raw.parentRunId,
    parentStep: raw.parentStep,
    rootRunId: raw.rootRunId ?? id,
    eventId: raw.eventId,
    scheduleId: raw.scheduleId,
    scheduledFor: optionalNumber(raw.scheduledFor),
    unjudged: raw.unjudged !== undefined,
    unadmitted: raw.unadmitted !== undefined,
    idempotencyKey: raw.idempotencyKey,
    handBacks: Number(raw.handBacks ?? 0),
    blockedMs: Number(raw.blockedMs ?? 0),
    cancelRequestedAt: optionalNumber(raw.cancelRequestedAt),
    hookOf: raw.hookOf,
    unwinding: raw.unwinding as StoredRun['unwinding'],
  };
}

/** A terminal failure counts itself among the failures: while a run unwinds it is in its last attempt, not in one more. */
export function attemptOf({ failures, unwinding }: Pick<StoredRun, 'failures' | 'unwinding'>): number {
  return unwinding === 'f' ? failures : failures + 1;
}

type Payload = string | null;

/** The parts of a record that lie outside a run's metadata, as the scripts answer them. */
export type PayloadsReply = [
  input: Payload,
  output: Payload,
  error: Payload,
  cancelReason: Payload,
  compensationErrors: Payload,
  hookError: Payload,
  patches: Payload,
  blockReason: Payload,
  unasked: Payload,
];

const PAYLOAD_NAMES = ['input', 'output', 'error', '', 'compensation errors', 'error of the failure hook', '', '', ''] as const;

export function sealedInRun(id: string, payloads: PayloadsReply): SealedText[] {
  return PAYLOAD_NAMES.flatMap((name, index) => (name === '' ? [] : sealedText(payloads, index, `${name} of run "${id}"`)));
}

export function toRunRecord(id: string, raw: RawFields, payloads: PayloadsReply): RunRecord {
  const run = toStoredRun(id, raw);
  const [input, output, error, cancelReason, compensationErrors, hookError, patches, blockReason, unasked] = payloads;
  const status = statusOf(raw.status as string);
  const ended = status === 'succeeded' || status === 'failed' || status === 'canceled';
  return withoutUndefined({
    id,
    workflow: run.workflow,
    queue: run.queue,
    status,
    input: decodePayload(input ?? ''),
    output: status === 'succeeded' ? decodePayload(output ?? '') : undefined,
    error: error ? (decodePayload(error) as StoredError) : undefined,
    attempt: status === 'failed' ? run.failures : attemptOf(run),
    maxAttempts: run.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    recoveries: run.recoveries,
    priority: run.priority,
    tags: run.tags,
    version: run.version,
    trigger: run.trigger,
    createdAt: run.createdAt,
    availableAt: run.availableAt,
    startedAt: run.startedAt,
    finishedAt: ended ? optionalNumber(raw.finishedAt) : undefined,
    parentRunId: run.parentRunId,
    parentStep: run.parentStep,
    rootRunId: run.rootRunId,
    eventId: run.eventId,
    scheduleId: run.scheduleId,
    scheduledFor: run.scheduledFor,
    idempotencyKey: run.idempotencyKey,
    workerId: raw.workerId,
    cancelRequestedAt: run.cancelRequestedAt,
    cancelReason: cancelReason ?? undefined,
    blockedBy: raw.blockedBy ? BLOCKED_BY[raw.blockedBy as keyof typeof BLOCKED_BY] : undefined,
    blocked: blockReason ? blockOf(blockReason) : undefined,
    unasked: unasked ? (JSON.parse(unasked) as string[]) : undefined,
    compensating: run.unwinding !== undefined && !ended ? true : undefined,
    compensationErrors: compensationErrors ? (JSON.parse(compensationErrors) as StoredError[]) : undefined,
    patches: patches ? (JSON.parse(patches) as Record<string, boolean>) : undefined,
    failureHook: failureHookOf(raw.hookStatus, hookError),
  });
}

const BLOCKED_BY = { m: 'mutex', t: 'throttle', c: 'maxConcurrency', w: 'worker', k: 'code' } as const;

function blockOf(text: string): RunRecord['blocked'] {
  const reason = JSON.parse(text) as BlockReason;
  const { step, missing, deployment } = reason;
  return { by: 'code', message: blockMessage(reason), step, missing: [...missing], deployment };
}

const HOOK_STATUSES = { p: 'pending', s: 'succeeded', f: 'failed' } as const;

function failureHookOf(code: string | undefined, error: Payload): RunRecord['failureHook'] {
  if (code === undefined) return undefined;
  const status = HOOK_STATUSES[code as keyof typeof HOOK_STATUSES];
  return error ? { status, error: decodePayload(error) as StoredError } : { status };
}

/** Absent means absent: a record compares and prints without `undefined` fields; `input` stays, it may be undefined itself. */
function withoutUndefined(record: RunRecord): RunRecord {
  for (const key of Object.keys(record) as Array<keyof RunRecord>) {
    if (record[key] === undefined && key !== 'input') delete record[key];
  }
  return record;
}
