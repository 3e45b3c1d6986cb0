import { scheduledRunIdOf } from '../../core/ids.js';
import type { DeclaredSchedule } from '../registry/declare-workflows.js';
import { encodeAdmission, type NewRun, newRunArgs } from '../runs/create-run.js';
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

export function fireSchedule(tick: Tick): Op<TickAnswer> {
  const { schedule, expected, instant, following, judgedAt, run } = tick;
  const { id, workflow, expression, timezone } = schedule;
  return {
    name: 'fire_schedule',
    args: [
      id,
      expected,
      instant ?? '',
      following,
      judgedAt,
      scheduledRunIdOf(id, instant ?? expected),
      workflow,
      expression,
      timezone,
      ...targetArgs(run),
    ],
    isRefusable: instant !== undefined,
    parse: (reply) => {
      const [status, now, nextAt] = reply as [TickAnswer['status'], number, string];
      return { status, now, nextAt: nextAt === '' ? undefined : Number(nextAt) };
    },
  };
}

/** Queue, priority, attempts, tags and admission of a run, as the scripts take them. */
export function targetArgs(run: NewRun): Array<string | number> {
  const [, , , queue, priority, attempts, , tags] = newRunArgs(run);
  return [queue, priority, attempts, tags, encodeAdmission(run)];
}
