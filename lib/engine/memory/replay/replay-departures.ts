import type { RunRecord, StoredError } from '../../core/api/run.types.js';
import { sameJson } from '../../core/payload/json-equal.js';
import { missingStep, nameOf, newStep, otherOrder, otherOutcome } from './replay.messages.js';
import type { ReplayDeparture } from './replay.types.js';
import type { ReplayTrace } from './replay-trace.js';

/** What a replayed handler came to. Payloads are encoded. */
export type ReplayEnd =
  | { readonly reached: 'succeeded'; readonly output: string }
  | { readonly reached: 'failed'; readonly error: StoredError }
  | { readonly reached: 'waiting' };

/** Errors that end a run from outside of its handler, wherever that is. */
const FROM_OUTSIDE: ReadonlySet<unknown> = new Set(['RUN_TIMEOUT', 'CRASH_LOOP']);

/** Errors of the engine about a step: the departure of that step says it already. */
const TOLD: ReadonlySet<unknown> = new Set(['STEP_MISMATCH', 'REPLAY_MISMATCH']);

/** All that a replayed handler does otherwise than the run. */
export function departuresOf(run: RunRecord, trace: ReplayTrace, end: ReplayEnd): ReplayDeparture[] {
  const unasked = trace.missing(end.reached === 'succeeded' ? Number.POSITIVE_INFINITY : undefined);
  const missing = new Set(unasked);
  const reordered = [...trace.overtaken].filter(([step]) => !missing.has(step));
  const found = [...trace.departures, ...reordered.map(([step, by]) => otherOrder(step, by))];
  if (trace.fresh.length === 0 || end.reached !== 'waiting') {
    found.push(...unasked.map((step) => missingStep(step, trace.overtaken.get(step))));
  } else if (unasked.length > 0 || hasItsOwnEnd(run)) {
    found.push(...trace.fresh.map((step) => newStep(step, unasked)));
  }
  const isTold = found.length > 0 && (end.reached === 'waiting' || (end.reached === 'failed' && TOLD.has(end.error.code)));
  return isTold || isSameEnd(run, end) ? found : [...found, otherOutcome(run, endText(run, end, trace))];
}

/** The handler itself has come to an end. */
function hasItsOwnEnd({ status, error }: RunRecord): boolean {
  return status === 'succeeded' || (status === 'failed' && !FROM_OUTSIDE.has(error?.code));
}

function isSameEnd(run: RunRecord, end: ReplayEnd): boolean {
  if (end.reached === 'waiting') return !hasItsOwnEnd(run);
  if (run.status === 'succeeded') {
    return end.reached === 'succeeded' && sameJson(end.output, run.output === undefined ? '' : JSON.stringify(run.output));
  }
  if (hasItsOwnEnd(run)) return end.reached === 'failed' && run.error !== undefined && isSameError(end.error, run.error);
  // A parked run waits for something, or for its next attempt; any other that has not ended may have been about to do so.
  if (run.status !== 'waiting') return true;
  return end.reached === 'failed' && run.error !== undefined && isSameError(end.error, run.error);
}

function isSameError(one: StoredError, other: StoredError): boolean {
  return one.name === other.name && one.message === other.message && one.code === other.code;
}

function endText({ status }: RunRecord, end: ReplayEnd, { open, fresh }: ReplayTrace): string {
  if (end.reached === 'failed') return `fails with ${nameOf(end.error)}`;
  if (end.reached === 'succeeded') return status === 'succeeded' ? 'succeeds with another output' : 'succeeds';
  const steps = [...open, ...fresh].map((step) => `"${step}"`).join(', ');
  return steps === '' ? 'waits' : `waits for ${steps}`;
}
