import type { RunRecord } from '../../lib/engine/index.js';
import type { Engine } from './engine.js';
import { eventually } from './eventually.js';

/** Moves the clock of the namespace forward to a time. */
export async function moveTo(engine: Engine, time: string | number): Promise<void> {
  const target = typeof time === 'number' ? time : Date.parse(time);
  const ms = target - (await engine.now());
  if (ms < 0) throw new Error(`The clock is past ${new Date(target).toISOString()}.`);
  await engine.advance(ms);
}

/** All runs of schedules, oldest first. */
export async function scheduledRuns(engine: Engine): Promise<RunRecord[]> {
  return (await engine.client.listRuns({ sort: 'asc', limit: 1_000 })).items.filter(({ trigger }) => trigger === 'cron');
}

/** Nominal times of all runs of schedules, once there are at least so many. */
export function firedTimes(engine: Engine, count: number): Promise<string[]> {
  return eventually(async () => {
    const runs = await scheduledRuns(engine);
    if (runs.length < count) throw new Error(`there are ${runs.length} runs`);
    return runs.map(({ scheduledFor }) => timeOf(scheduledFor));
  }, `${count} runs of schedules`);
}

/** The next instant of a schedule, as Redis has it. */
export async function nextTime(engine: Engine, id: string): Promise<string | undefined> {
  const schedule = (await engine.client.listSchedules()).find((one) => one.id === id);
  return schedule && timeOf(schedule.nextAt);
}

export function timeOf(instant: number | undefined): string {
  return instant === undefined ? '' : new Date(instant).toISOString().replace(':00.000Z', 'Z');
}
