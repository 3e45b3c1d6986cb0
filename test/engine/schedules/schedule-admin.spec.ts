import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, ScheduleNotFoundError, type WorkflowContext } from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { firedTimes, moveTo, nextTime, scheduledRuns, timeOf } from '../../support/schedule-engine.js';

const hourly = workflow('report', (ctx: WorkflowContext) => ctx.schedule, {
  queue: 'reports',
  cron: [{ id: 'hourly', expression: '0 * * * *', input: { a: 1 } }],
});

async function engineAt(time: string): Promise<Engine> {
  const engine = await startEngine({ workflows: [hourly], worker: false });
  await moveTo(engine, time);
  await engine.startWorker();
  return engine;
}

describe('pauseSchedule()', () => {
  it('lets instants pass without runs until the schedule is resumed', async () => {
    const engine = await engineAt('2040-01-10T07:30Z');
    await engine.client.pauseSchedule('hourly');
    await engine.client.pauseSchedule('hourly');
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', paused: true }]);
    await moveTo(engine, '2040-01-10T08:00Z');
    const stored = () => engine.redis.hget(engine.key('schedule:hourly'), 'nx');
    await eventually(async () => expect(timeOf(Number(await stored()))).toBe('2040-01-10T09:00Z'));
    await engine.client.resumeSchedule('hourly');
    await engine.client.resumeSchedule('hourly');
    await moveTo(engine, '2040-01-10T09:00Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T09:00Z']);
  });

  it('holds over a deploy', async () => {
    const engine = await engineAt('2040-01-10T07:30Z');
    await engine.client.pauseSchedule('hourly');
    await engine.worker.stop();
    await engine.startWorker();
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', paused: true }]);
  });
});

describe('resumeSchedule()', () => {
  it('makes up nothing of a pause in which no worker lived', async () => {
    const engine = await engineAt('2040-01-10T07:30Z');
    await engine.client.pauseSchedule('hourly');
    await engine.worker.stop();
    await moveTo(engine, '2040-01-10T10:20Z');
    await engine.client.resumeSchedule('hourly');
    await engine.startWorker();
    await moveTo(engine, '2040-01-10T11:00Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T11:00Z']);
  });
});

describe('triggerSchedule()', () => {
  it('starts a run now, also of a paused schedule, by a client that knows only Redis', async () => {
    const engine = await engineAt('2040-01-10T07:30Z');
    await engine.client.pauseSchedule('hourly');
    const handle = await engine.client.triggerSchedule<{ id: string; instant: number }>('hourly');
    const schedule = await handle.result();
    expect(timeOf(schedule.instant)).toMatch(/^2040-01-10T07:3/);
    expect(schedule.id).toBe('hourly');
    const run = await handle.getState();
    expect(run).toMatchObject({ workflow: 'report', queue: 'reports', input: { a: 1 }, trigger: 'cron', scheduleId: 'hourly' });
    await engine.client.resumeSchedule('hourly');
    expect(await nextTime(engine, 'hourly')).toBe('2040-01-10T08:00Z');
    expect(await scheduledRuns(engine)).toHaveLength(1);
  });
});

describe('previewSchedule()', () => {
  it('tells the next instants from now, five unless told otherwise', async () => {
    const engine = await engineAt('2040-01-10T07:30Z');
    const times = async (count?: number) => (await engine.client.previewSchedule('hourly', count)).map(timeOf);
    expect(await times(2)).toEqual(['2040-01-10T08:00Z', '2040-01-10T09:00Z']);
    expect(await times()).toHaveLength(5);
    expect(await times(1_000)).toHaveLength(1_000);
  });

  it.each([0, 1_001, 1.5])('refuses a count of %p', async (count) => {
    const engine = await engineAt('2040-01-10T07:30Z');
    expect(await rejection(engine.client.previewSchedule('hourly', count))).toBeInstanceOf(InvalidOptionError);
  });
});

describe('a schedule that nobody knows', () => {
  it.each(['pauseSchedule', 'resumeSchedule', 'triggerSchedule', 'previewSchedule'] as const)(
    'is refused by %s, with the ids it may have meant',
    async (method) => {
      const engine = await engineAt('2040-01-10T07:30Z');
      const error = await rejection(engine.client[method]('horly'));
      expect(error).toBeInstanceOf(ScheduleNotFoundError);
      expect(error).toMatchObject({ scheduleId: 'horly', suggestions: ['hourly'] });
      expect(error.message).toContain('There is no schedule "horly"; did you mean "hourly"?');
    },
  );
});
