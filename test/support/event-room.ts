import { type EmittingStep, emitEvent, type NewEvent, type Verdict } from '../../lib/engine/redis/events/emit-event.js';
import { readEvent } from '../../lib/engine/redis/events/read-event.js';
import { readSteps } from '../../lib/engine/redis/steps/read-steps.js';
import type { EngineRoom } from './engine-room.js';

/** An event with defaults. */
export function newEvent(overrides: Partial<NewEvent> = {}): NewEvent {
  return { id: 'e1', nonce: '', name: 'order.created', data: '{"n":1}', headers: '', verdicts: [], ...overrides };
}

/** What an emitter that knows the subscriber says of it. */
export function verdict(workflow: string, status: Verdict['status'] = 'd', error = ''): Verdict {
  return { target: { workflow, queue: 'default', priority: 0, tags: {} }, status, error };
}

export const emit = (room: EngineRoom, overrides: Partial<NewEvent> = {}, by?: EmittingStep) =>
  room.send(emitEvent(newEvent(overrides), by));

export const eventOf = (room: EngineRoom, id = 'e1') => room.send(readEvent(id));

export const stepOf = async (room: EngineRoom, runId: string, step: string) => (await room.send(readSteps(runId, [step])))[0];

/** Subscribes a workflow that no emitter here knows, as its worker would. */
export async function subscribe(room: EngineRoom, workflow: string, pattern: string): Promise<void> {
  await room.redis.sadd(room.key(`subscribers:${pattern}`), workflow);
  if (pattern.includes('*')) await room.redis.sadd(room.key('wildcards'), pattern);
}
