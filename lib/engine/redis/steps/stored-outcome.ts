import type { ReceivedEvent } from '../../core/api/event.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { parseReceivedEvent, splitSized } from '../events/stored-event.js';

/** The event that ended a wait, null if its time ran out. */
export function parseEventOutcome(payload: string): ReceivedEvent | null {
  return payload === NO_EVENT ? null : parseReceivedEvent(payload);
}

/** What is stored when the time of a wait for an event runs out. */
export const NO_EVENT = 'null';

/** How a step that waited for any of several ended. */
export interface Winner {
  readonly branch: string;
  readonly by: 'timer' | 'event' | 'child';
  readonly childRunId?: string;
  readonly payload: string;
}

/** Reads `<bytes of branch>:<branch>`, and then `t`, `e<event>`, or `c<bytes of id>:<child id><payload>`. */
export function parseWinner(stored: string): Winner {
  const [branch, rest] = splitSized(stored);
  if (rest[0] === 't') return { branch, by: 'timer', payload: '' };
  if (rest[0] === 'e') return { branch, by: 'event', payload: rest.slice(1) };
  const [childRunId, payload] = splitSized(rest.slice(1));
  return { branch, by: 'child', childRunId, payload };
}

/** What is stored when the first timer ends a wait for any of several. */
export function timerWon(branch: string): string {
  return `${Buffer.byteLength(branch)}:${branch}t`;
}

/** What a wait that ended from outside came to, without what says by whom. */
export function payloadWithin(kind: 'e' | 'a', stored: string): string {
  if (kind === 'e') return splitSized(stored)[1];
  const { by, payload } = parseWinner(stored);
  return by === 'event' ? splitSized(payload)[1] : payload;
}

export function winningValue({ by, payload }: Winner): unknown {
  if (by === 'timer') return undefined;
  return by === 'event' ? parseReceivedEvent(payload) : decodePayload(payload);
}
