import type { ScheduleRecord } from '../../lib/engine/core/api/registry.types.js';
import type { DeclaredSchedule } from '../../lib/engine/redis/registry/declare-workflows.js';
import { fireSchedule, type Tick } from '../../lib/engine/redis/schedules/fire-schedule.js';
import { listSchedules } from '../../lib/engine/redis/schedules/list-schedules.js';
import { start } from './declaring.js';
import type { EngineRoom } from './engine-room.js';

export const NIGHTLY: DeclaredSchedule = {
  id: 'nightly',
  workflow: 'greet',
  expression: '0 3 * * *',
  timezone: 'Europe/Berlin',
  misfire: 'once',
  input: '{"a":1}',
};

/** Registers a schedule whose next instant is so many ms away; answers that instant. */
export async function scheduleIn(room: EngineRoom, ms: number, overrides: Partial<DeclaredSchedule> = {}): Promise<number> {
  const nextAt = (await room.now()) + ms;
  const schedule = { ...NIGHTLY, ...overrides };
  await start(room, 'declarer', 'd1', { workflow: schedule.workflow, schedules: [{ ...schedule, nextAt }] });
  return nextAt;
}

/** A worker that finds `expected` due, and an hour from it due next. */
export async function tickOf(room: EngineRoom, expected: number, overrides: Partial<Tick> = {}) {
  const run = room.newRun({ queue: 'reports', priority: 3, maxAttempts: 7, tags: { team: 'blue' } });
  const following = expected + 3_600_000;
  return fireSchedule({
    schedule: NIGHTLY,
    expected,
    instant: expected,
    following,
    judgedAt: await room.now(),
    run,
    ...overrides,
  });
}

export async function recordOf(room: EngineRoom, id = NIGHTLY.id): Promise<ScheduleRecord | undefined> {
  return (await room.send(listSchedules('', 100))).find((schedule) => schedule.id === id);
}
