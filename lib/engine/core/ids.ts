import { createHash } from 'node:crypto';
import { monotonicFactory } from 'ulid';

// Module state on purpose: ids are ordered within a process only if all of it draws them from one factory.
const nextUlid = monotonicFactory();

/** A new id of 26 characters (ULID): ids made later sort later within a process, and by millisecond across processes. */
export function newId(): string {
  return nextUlid();
}

/** The child of a step: the same for every pass, so that a step has one child whatever is repeated. */
export function childIdOf(parentRunId: string, step: string): string {
  return hashOf(`${parentRunId}\0${step}`);
}

/** As {@link childIdOf}, for one branch of a step that waits for any of several. */
export function branchChildIdOf(parentRunId: string, step: string, branch: string): string {
  return hashOf(JSON.stringify(['any', parentRunId, step, branch]));
}

/** The id of the event that a step emits, unless it names one. */
export function stepEventIdOf(runId: string, step: string): string {
  return hashOf(JSON.stringify(['event', runId, step]));
}

/** The run that an event makes of a subscriber, unless that is debounced: as `subscriber_run` in redis/events/fan-out.lua. */
export function subscriberRunIdOf(eventId: string, workflow: string): string {
  return createHash('sha1').update(`${eventId}\0${workflow}`).digest('hex');
}

/** The run of an instant of a schedule: the same in every worker, so that an instant has one run. */
export function scheduledRunIdOf(scheduleId: string, instant: number): string {
  return hashOf(`cron\0${scheduleId}\0${instant}`);
}

/** The run of a failure hook: the same whatever is repeated, another one when a run fails again after an explicit retry. */
export function hookIdOf(runId: string, fence: string): string {
  return hashOf(`${runId}\0hook\0${fence}`);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
