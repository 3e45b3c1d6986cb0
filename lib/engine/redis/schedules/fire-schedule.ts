import { scheduledRunIdOf } from '../../core/ids.js';
import type { DeclaredSchedule } from '../registry/declare-workflows.js';
import { type NewRun, newRunFields } from '../runs/create-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface Tick {
  readonly schedule: DeclaredSchedule;
  /** The next instant as the worker knows it. */
  readonly expected: number;
  /** The instant to fire; undefined skips what was missed. */
  readonly instant?: number;
  readonly following: number;
  /** Redis time at which this was decided. */
  readonly judgedAt: number;
  /** What the run is to be; its id and input are the schedule's. */
  readonly run: NewRun;
}

export interface TickAnswer {
  readonly status: 'FIRED' | 'SKIPPED' | 'PAUSED' | 'MOVED' | 'EARLY' | 'LATE' | 'OTHER' | 'GONE';
  readonly now: number;
  /** Undefined when the schedule is gone, or another one by now. */
  readonly nextAt?: number;
}

const FIRE_SCHEDULE = defineOperation({
  name: 'fire_schedule',
  args: [
    'id',
    'expected',
    'instant',
    'following',
    'judged',
    'run',
    'workflow',
    'expression',
    'zone',
    'queue',
    'priority',
    'attempts',
    'tags',
    'admission',
  ],
  creates: ({ instant }) => instant !== undefined,
  reply: (reply): TickAnswer => {
    const [status, now, nextAt] = reply as [TickAnswer['status'], number, string];
    return { status, now, nextAt: nextAt === '' ? undefined : Number(nextAt) };
  },
});

export function fireSchedule(tick: Tick): Op<TickAnswer> {
  const { schedule, expected, instant, following, judgedAt, run } = tick;
  const { id, workflow, expression, timezone } = schedule;
  return FIRE_SCHEDULE({
    ...newRunFields(run),
    ...{ id, expected, instant, following, judged: judgedAt, run: scheduledRunIdOf(id, instant ?? expected) },
    ...{ workflow, expression, zone: timezone },
  });
}
