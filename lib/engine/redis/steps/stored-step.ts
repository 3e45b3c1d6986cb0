import type { StepRecord, StoredError } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { isSealed, type SealedText, sealedText } from '../../core/payload/sealer.js';
import { STEP_KINDS, STEP_STATUSES } from './step-codes.js';
import { NO_EVENT, parseEventOutcome, parseWinner, payloadWithin, winningValue } from './stored-outcome.js';

/**
 * A step as it is stored: `kind,status,order,attempt,base,startedAt,moment;payload`, where `base` is `base@asked` if that is known, with a digest
 * behind it if there is one.
 *
 * Kind `v` is a function with a compensation that has completed; `u` one that is begun, or has failed, and whose outcome is unknown.
 * Status `s` succeeded, `f` failed and memoised, `x` failed and to be run again, `w` waiting, `r` running; `d` and `k` are an outcome
 * from outside, a value or an error, `d` only until the run has seen it.
 */
export interface StoredStep {
  readonly kind: string;
  readonly status: string;
  /** Place in the order in which the run's steps completed; 0 while open. */
  readonly order: number;
  readonly attempt: number;
  /** Failures of the step before the current attempt of the run. */
  readonly base: number;
  /**
   * How many outcomes had been handed to the handler in the pass that stored it when it asked for the step: a handler that goes by nothing
   * else asks for it again after no more. Undefined where that says nothing: the handler had looked at its attempt or signal, or an earlier
   * version of the package has stored it.
   */
  readonly asked?: number;
  readonly startedAt: number;
  /** When it ended, or when a waiting one goes on. */
  readonly moment: number;
  /** Encoded output or error. */
  readonly payload: string;
  /** Of the arguments of a `@Step()` method without a name of its own: the first 8 bytes of the SHA-1 of their canonical JSON, as base64url. */
  readonly digest?: string | undefined;
  /** What a codec had made of the payload, to be stored again as it was. */
  readonly sealed?: string;
}

export function parseStep(text: string): StoredStep {
  const end = text.indexOf(';');
  const parts = text.slice(0, end).split(',');
  const [kind, status, order, attempt, base = ''] = parts;
  const times = parts.length - 2;
  return {
    kind,
    status,
    order: Number(order),
    attempt: Number(attempt),
    base: Number.parseInt(base, 10),
    asked: askedOf(base),
    startedAt: Number(parts[times]),
    moment: Number(parts[times + 1]),
    payload: text.slice(end + 1),
    digest: times === 6 ? parts[5] : undefined,
  };
}

/** As it follows `base`. */
export function askedText(asked: number | undefined): string {
  return asked === undefined ? '' : `@${asked}`;
}

function askedOf(base: string): number | undefined {
  const at = base.indexOf('@');
  return at < 0 ? undefined : Number(base.slice(at + 1));
}

/** Whether the payload of a wait for any of several says which it was, and not why the wait was refused. */
export function hasWinner({ kind, status }: Pick<StoredStep, 'kind' | 'status'>): boolean {
  return kind === 'a' && status !== 'f' && status !== 'x';
}

/** The part of a step's payload that a codec has made, undefined if none has. */
export function sealedPartOf({ kind, status, payload }: StoredStep): string | undefined {
  if (kind !== 'e' && !hasWinner({ kind, status })) return isSealed(payload) ? payload : undefined;
  // Of an open wait the branch of a timer; of most closed ones a look is enough.
  if (status === 'w' || payload === NO_EVENT || !/[~^]/.test(payload)) return undefined;
  const part = payloadWithin(kind as 'e' | 'a', payload);
  return isSealed(part) ? part : undefined;
}

export function sealedInStep(records: SealedText['holder'], index: number, name: string, runId: string): SealedText[] {
  const text = records[index];
  const part = text ? sealedPartOf(parseStep(text)) : undefined;
  if (!text || part === undefined) return [];
  return sealedText(records, index, `step "${name}" of run "${runId}"`, text.length - part.length);
}

function toStepRecord(name: string, stored: StoredStep, data: RunData): StepRecord {
  const status = STEP_STATUSES[stored.status];
  const record: StepRecord = {
    name,
    kind: STEP_KINDS[stored.kind],
    status,
    attempt: stored.attempt,
    startedAt: stored.startedAt,
  };
  addOutcome(record, stored);
  if (status === 'succeeded' || status === 'failed') record.finishedAt = stored.moment;
  if (status === 'waiting' && stored.moment > 0) record.wakeAt = stored.moment;
  const progress = data.progress.get(name);
  if (progress !== undefined) record.progress = decodePayload(progress);
  const childRunId = data.children.get(name) ?? record.childRunId;
  if (childRunId !== undefined) record.childRunId = childRunId;
  return record;
}

function addOutcome(record: StepRecord, { kind, status, payload }: StoredStep): void {
  if (record.status === 'running' || (record.status === 'waiting' && kind === 'a')) return;
  const winner = hasWinner({ kind, status }) ? parseWinner(payload) : undefined;
  if (record.status === 'succeeded') {
    if (winner) record.output = { winner: winner.branch, value: winningValue(winner) };
    else record.output = kind === 'e' ? parseEventOutcome(payload) : decodePayload(payload);
  } else if (payload !== '') {
    record.error = decodePayload(winner?.payload ?? payload) as StoredError;
  }
  if (winner?.childRunId !== undefined) record.childRunId = winner.childRunId;
}

/** The steps of a run: those that have ended in the order in which they did, then the others by their beginning. */
export function toStepRecords(data: RunData): StepRecord[] {
  const records = [...data.steps]
    // A step whose beginning was stored, and which was canceled before its function was called.
    .filter(([, { status, attempt }]) => status !== 'x' || attempt > 0)
    .map(([name, stored]) => ({ order: stored.order, record: toStepRecord(name, stored, data) }));
  const place = ({ order }: { order: number }) => order || Number.MAX_SAFE_INTEGER;
  return records.sort((a, b) => place(a) - place(b) || a.record.startedAt - b.record.startedAt).map(({ record }) => record);
}

/** Steps of an attempt, or of a run that was retried, whose failures were to happen anew. */
export interface Reopening {
  /** Of the last step that was completed then. */
  readonly order: number;
  /** How many outcomes the handler had when it got the first of these failures. */
  readonly delivered: number;
}

/** Payloads of a run, taken apart. */
export interface RunData {
  readonly input: string;
  /** What the schema of the workflow made of it in the first pass, if that is other JSON. */
  readonly bySchema?: string;
  /** What the pipes made of that, likewise. */
  readonly byPipes?: string;
  readonly steps: Map<string, StoredStep>;
  readonly progress: Map<string, string>;
  /** Ids of the runs that steps have started, by step. */
  readonly children: Map<string, string>;
  /** Envelope of the event that started the run. */
  readonly event?: string;
  /** Encoded: what interceptors have sent along with its creation. */
  readonly headers?: string;
  /** Encoded error of the last failed attempt. */
  readonly error?: string;
  readonly cancelReason?: string;
  /** Failures that were to happen anew: what the handler asked for after them, until then, may not be asked for again. */
  readonly reopenings: readonly Reopening[];
  /** Steps that the handler need not come to any more: somebody has said so. */
  readonly leftBehind: ReadonlySet<string>;
  /** The last point of no return: how many the handler had passed with it, and its place in the order of completion. */
  readonly point?: { readonly number: number; readonly order: number };
  /** Answers of `ctx.patched()`, as JSON. */
  readonly patches?: string;
}

/** Reads the flat `data:` hash. */
export function parseRunData(flat: readonly string[]): RunData {
  let input = '';
  let bySchema: string | undefined;
  let byPipes: string | undefined;
  let event: string | undefined;
  let headers: string | undefined;
  let error: string | undefined;
  let cancelReason: string | undefined;
  let point: RunData['point'];
  let patches: string | undefined;
  let reopenings: readonly Reopening[] = NOTHING_REOPENED;
  let leftBehind: ReadonlySet<string> = NOTHING_LEFT;
  const steps = new Map<string, StoredStep>();
  const progress = new Map<string, string>();
  const children = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) {
    const field = flat[i];
    if (field === 'i') input = flat[i + 1];
    else if (field === 'is') bySchema = flat[i + 1];
    else if (field === 'ip') byPipes = flat[i + 1];
    else if (field === 'ev') event = flat[i + 1];
    else if (field === 'x') headers = flat[i + 1];
    else if (field === 'e') error = flat[i + 1];
    else if (field === 'cx') cancelReason = flat[i + 1];
    else if (field === 'pt') point = parsePoint(flat[i + 1]);
    else if (field === 'pa') patches = flat[i + 1];
    else if (field === 'ro') reopenings = parseReopenings(flat[i + 1]);
    else if (field === 'lb') leftBehind = new Set(JSON.parse(flat[i + 1]) as string[]);
    else if (field.startsWith('s:')) steps.set(field.slice(2), parseStep(flat[i + 1]));
    else if (field.startsWith('g:')) progress.set(field.slice(2), flat[i + 1]);
    else if (field.startsWith('c:')) children.set(field.slice(2), flat[i + 1]);
  }
  const more = { event, headers, error, cancelReason, point, patches, reopenings, leftBehind };
  return { input, bySchema, byPipes, steps, progress, children, ...more };
}

const NOTHING_REOPENED: readonly Reopening[] = [];
const NOTHING_LEFT: ReadonlySet<string> = new Set();

function parseReopenings(text: string): Reopening[] {
  return text.split(';').map((one) => {
    const [order, delivered] = one.split(',').map(Number);
    return { order, delivered };
  });
}

/** With one more; those that it makes redundant are dropped. */
export function addReopening(known: readonly Reopening[], added: Reopening): string {
  const kept = known.filter(({ order, delivered }) => order > added.order || delivered < added.delivered);
  return [...kept, added].map(({ order, delivered }) => `${order},${delivered}`).join(';');
}

function parsePoint(text: string): RunData['point'] {
  const [number, order] = text.split(',').map(Number);
  return { number, order };
}
