import type { ExportedRun, ExportedStep } from '../../core/api/exported-run.types.js';
import type { AttemptRecord, RunRecord } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { NO_EVENT, parseWinner, payloadWithin } from '../steps/stored-outcome.js';
import { hasWinner, type RunData, type StoredStep, toStepRecords } from '../steps/stored-step.js';

export const EXPORT_FORMAT = 'redflow.run/1';

/** Fields of a run's data that tell a replay something and hold no payload. */
const NOTES = ['pt', 'ro', 'lb'];

/** Where an open wait ends in a replay: never. */
const NEVER_MS = 8.64e15;

/**
 * @param flat the run's data as it is stored
 * @param data the same, opened
 */
export function toExportedRun(run: RunRecord, attempts: AttemptRecord[], flat: readonly string[], data: RunData): ExportedRun {
  const texts = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) texts.set(flat[at], flat[at + 1]);
  const notes = NOTES.flatMap((field) => (texts.has(field) ? [[field, texts.get(field) as string] as const] : []));
  const steps = toStepRecords(data).map((record): ExportedStep => {
    const text = texts.get(`s:${record.name}`) as string;
    const frame = frameOf(data.steps.get(record.name) as StoredStep);
    return { ...record, stored: text.slice(0, text.indexOf(';')), ...(frame !== '' && { frame }) };
  });
  const judged = { ...decoded('bySchema', data.bySchema), ...decoded('byPipes', data.byPipes) };
  return {
    format: EXPORT_FORMAT,
    run,
    steps,
    attempts,
    ...(data.event !== undefined && { event: JSON.parse(data.event) as ExportedRun['event'] }),
    ...(data.headers !== undefined && { headers: decodePayload(data.headers) as ExportedRun['headers'] }),
    ...(Object.keys(judged).length > 0 && { judgedInput: judged }),
    ...(notes.length > 0 && { notes: Object.fromEntries(notes) }),
  };
}

/** What of the stored payload is not the outcome's own value. */
function frameOf(step: StoredStep): string {
  const { kind, status, payload } = step;
  if (kind === 'a' && status === 'w') return payload;
  const isFramed = kind === 'e' ? payload !== NO_EVENT && payload !== '' : hasWinner(step);
  return isFramed ? payload.slice(0, payload.length - payloadWithin(kind as 'e' | 'a', payload).length) : '';
}

function decoded(name: string, payload: string | undefined): Record<string, unknown> {
  return payload === undefined ? {} : { [name]: decodePayload(payload) };
}

/** The data of an exported run by field, as it is stored, for a replay: what is open stays so. */
export function fromExportedRun({ run, steps, event, headers, judgedInput, notes }: ExportedRun): Map<string, string> {
  const data = new Map<string, string>(Object.entries(notes ?? {}));
  const add = (field: string, value: unknown) => value !== undefined && data.set(field, JSON.stringify(value));
  add('i', run.input);
  add('is', judgedInput?.bySchema);
  add('ip', judgedInput?.byPipes);
  add('ev', event);
  add('x', headers);
  add('pa', run.patches);
  for (const step of steps) {
    const isWaiting = step.status === 'waiting';
    const head = isWaiting ? step.stored.replace(/\d+$/, String(NEVER_MS)) : step.stored;
    data.set(`s:${step.name}`, `${head};${payloadOf(step)}`);
    const startsOne = step.kind === 'child' || step.kind === 'emit_workflow';
    if (startsOne && step.childRunId !== undefined) data.set(`c:${step.name}`, step.childRunId);
  }
  return data;
}

function payloadOf(step: ExportedStep): string {
  const { status, output, error, frame = '' } = step;
  if (frame === '') return textOf(status === 'succeeded' ? output : error);
  if (status === 'waiting') return frame;
  if (status === 'failed') return frame + textOf(error);
  return frame + textOf(valueIn(step.kind === 'event' ? output : winningEvent(frame, output)));
}

function winningEvent(frame: string, output: unknown): unknown {
  const { value } = output as { value?: unknown };
  return parseWinner(frame).by === 'event' ? value : { data: value };
}

function valueIn(event: unknown): unknown {
  return (event as { data?: unknown }).data;
}

function textOf(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}

/** Whether a text is the head of a step's record. */
export function isStepHead(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z],[sfxwrdk],\d+,\d+,\d+[^;]*,\d+,\d+$/.test(text);
}
