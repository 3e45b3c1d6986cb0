import type { Cron } from './cron.js';
import type { ResolvedSchedule } from './resolve-schedules.js';

/** A tick that is later than this has misfired. */
const ON_TIME_MS = 60_000;

/** Of instants that are overdue together, on time as they are, the latest so many fire. */
const MOST_OVERDUE = 10;

/** What a schedule does about its next instant; none fires when what was missed is skipped. */
export interface TickDecision {
  readonly instant?: number;
  readonly following: number;
}

/**
 * Every instant fires for as long as the next one is at most 60 s late; of many that became overdue together (Redis was away for a
 * moment) the latest ten. After 60 s (an outage) only the latest counts: it fires if it is not late itself, else as the schedule's
 * `misfire` says.
 *
 * @param expected the next instant, not after `now`; epoch ms
 */
export function decideTick({ cron, misfire }: ResolvedSchedule, expected: number, now: number): TickDecision {
  if (now - expected <= ON_TIME_MS) {
    const following = cron.next(expected);
    const instant = following > now ? expected : Math.max(expected, earliestOverdue(cron, now));
    return { instant, following: instant === expected ? following : cron.next(instant) };
  }
  const latest = cron.latest(now);
  const following = cron.next(latest);
  return misfire === 'once' || now - latest <= ON_TIME_MS ? { instant: latest, following } : { following };
}

function earliestOverdue(cron: Cron, now: number): number {
  let instant = cron.latest(now);
  for (let more = 1; more < MOST_OVERDUE; more++) instant = cron.latest(instant - 1);
  return instant;
}
