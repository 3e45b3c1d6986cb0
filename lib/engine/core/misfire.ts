import type { ResolvedSchedule } from './resolve-schedules.js';

/** A tick that is later than this has misfired. */
const ON_TIME_MS = 60_000;

/** What a schedule does about its next instant; none fires when what was missed is skipped. */
export interface TickDecision {
  readonly instant?: number;
  readonly following: number;
}

/**
 * Every instant fires for as long as the next one is at most 60 s late. After that (an outage) only the latest counts: it fires if it
 * is not late itself, else as the schedule's `misfire` says.
 *
 * @param expected the next instant, not after `now`; epoch ms
 */
export function decideTick({ cron, misfire }: ResolvedSchedule, expected: number, now: number): TickDecision {
  if (now - expected <= ON_TIME_MS) return { instant: expected, following: cron.next(expected) };
  const latest = cron.latest(now);
  const following = cron.next(latest);
  return misfire === 'once' || now - latest <= ON_TIME_MS ? { instant: latest, following } : { following };
}
