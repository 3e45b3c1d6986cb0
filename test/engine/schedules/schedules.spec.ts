import { describe, expect, it } from '@jest/globals';
import {
  type CronTrigger,
  InvalidOptionError,
  PayloadTooLargeError,
  type StartWorkerOptions,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { firedTimes, moveTo, nextTime, scheduledRuns, timeOf } from '../../support/schedule-engine.js';

const report = (trigger: CronTrigger, name = 'report') =>
  workflow(name, (ctx: WorkflowContext) => ctx.schedule, { cron: [{ id: 'tick', ...trigger }] });

/** An engine whose clock stands at a time when its worker starts. */
async function engineAt(time: string, trigger: CronTrigger, worker: StartWorkerOptions = {}): Promise<Engine> {
  const engine = await startEngine({ workflows: [report(trigger)], worker: false });
  await moveTo(engine, time);
  await engine.startWorker(worker);
  return engine;
}

describe('a schedule', () => {
  it('starts a run with its input that knows its tick', async () => {
    const trigger = { expression: '0 9 * * *', timezone: 'Europe/Berlin', input: { day: true } };
    const engine = await engineAt('2040-01-10T07:00Z', trigger);
    await moveTo(engine, '2040-01-10T08:00Z');
    await firedTimes(engine, 1);
    const [run] = await scheduledRuns(engine);
    const schedule = { id: 'tick', instant: Date.parse('2040-01-10T08:00Z') };
    expect(await engine.client.getHandle(run.id).result()).toEqual(schedule);
    expect(run).toMatchObject({ workflow: 'report', input: { day: true }, trigger: 'cron', scheduleId: 'tick' });
    expect(run.scheduledFor).toBe(schedule.instant);
    expect(await nextTime(engine, 'tick')).toBe('2040-01-11T08:00Z');
  });

  it('gives no tick to runs that something else started', async () => {
    const flow = report({ expression: '0 9 * * *' });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, {});
    expect(await handle.result()).toBeUndefined();
    expect(await handle.getState()).not.toHaveProperty('scheduleId');
  });

  it('has one run per instant with five workers', async () => {
    const engine = await engineAt('2040-01-10T07:30Z', { expression: '0 * * * *' });
    for (let more = 1; more < 5; more++) await engine.startWorker();
    const expected: string[] = [];
    for (let hour = 8; hour < 24; hour++) {
      expected.push(`2040-01-10T${String(hour).padStart(2, '0')}:00Z`);
      await moveTo(engine, expected[expected.length - 1]);
      expect(await firedTimes(engine, expected.length)).toEqual(expected);
    }
    await engine.stop();
  });

  it('fires by its own clock while nothing else happens', async () => {
    const engine = await startEngine({
      workflows: [report({ expression: '* * * * * *' })],
      worker: { blockTimeoutMs: 60_000, leaseMs: 60_000 },
    });
    const [first, second, third] = (await firedTimes(engine, 3)).map((time) => Date.parse(time));
    expect([second - first, third - second]).toEqual([1_000, 1_000]);
  });

  it('fires each of several instants that are less than a minute late', async () => {
    const engine = await engineAt('2040-01-10T07:00:05Z', { expression: '*/10 * * * * *', misfire: 'skip' });
    await engine.worker.stop();
    await moveTo(engine, '2040-01-10T07:00:35Z');
    await engine.startWorker();
    expect((await firedTimes(engine, 3)).slice(0, 3)).toEqual([
      '2040-01-10T07:00:10.000Z',
      '2040-01-10T07:00:20.000Z',
      '2040-01-10T07:00:30.000Z',
    ]);
  });

  it('is made up for the latest ten of many that became overdue together', async () => {
    const engine = await engineAt('2040-01-10T07:00:05Z', { expression: '* * * * * *' });
    await firedTimes(engine, 1);
    await engine.worker.stop();
    const before = (await firedTimes(engine, 1)).length;
    await moveTo(engine, '2040-01-10T07:00:50Z');
    await engine.startWorker();
    const made = (await firedTimes(engine, before + 10)).slice(before).map((time) => Date.parse(time));
    expect(made[0]).toBeGreaterThanOrEqual(Date.parse('2040-01-10T07:00:41Z'));
    for (let i = 1; i < made.length; i++) expect(made[i] - made[i - 1]).toBe(1_000);
  });

  it('is tried again after Redis refused it', async () => {
    const engine = await engineAt('2040-01-10T07:30Z', { expression: '0 * * * *' });
    const key = engine.key('schedule:tick');
    const stored = await engine.redis.hgetall(key);
    await engine.redis.set(key, 'of another type');
    await moveTo(engine, '2040-01-10T08:00Z');
    const warned = await eventually(() => {
      const [line] = engine.logs.matching(
        'warn',
        /^Firing schedule "tick" failed and is tried again until it works: .*WRONGTYPE/,
      );
      return line ?? false;
    });
    expect(warned.fields).toMatchObject({ scheduleId: 'tick' });
    await engine.redis.del(key);
    await engine.redis.hset(key, stored);
    await engine.advance(5_000);
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T08:00Z']);
  });

  it('is one of many that are due at once', async () => {
    const cron = Array.from({ length: 200 }, (_, index) => ({ id: `s${index}`, expression: '0 * * * *' }));
    const engine = await startEngine({ workflows: [workflow('many', () => 1, { cron })], worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ concurrency: 50 });
    await moveTo(engine, '2040-01-10T08:00Z');
    await firedTimes(engine, 200);
    const runs = await scheduledRuns(engine);
    expect(new Set(runs.map(({ scheduleId }) => scheduleId)).size).toBe(200);
    expect(runs).toHaveLength(200);
  });
});

describe('a day that changes the clock', () => {
  it('fires a time that does not exist once, right after the gap', async () => {
    const engine = await engineAt('2040-03-24T12:00Z', { expression: '0,30 2 * * *', timezone: 'Europe/Berlin' });
    await moveTo(engine, '2040-03-25T01:00Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-03-25T01:00Z']);
    expect(await nextTime(engine, 'tick')).toBe('2040-03-26T00:00Z');
    await moveTo(engine, '2040-03-26T00:00Z');
    expect(await firedTimes(engine, 2)).toEqual(['2040-03-25T01:00Z', '2040-03-26T00:00Z']);
  });

  it('fires a time that exists twice once, the first time', async () => {
    const engine = await engineAt('2040-11-03T12:00Z', { expression: '30 1 * * *', timezone: 'America/New_York' });
    await moveTo(engine, '2040-11-04T05:30Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-11-04T05:30Z']);
    await moveTo(engine, '2040-11-04T06:30Z');
    await moveTo(engine, '2040-11-05T06:30Z');
    expect(await firedTimes(engine, 2)).toEqual(['2040-11-04T05:30Z', '2040-11-05T06:30Z']);
  });

  it('makes up the right instant after an outage over it', async () => {
    const engine = await engineAt('2040-10-27T12:00Z', { expression: '30 2 * * *', timezone: 'Europe/Berlin' });
    await engine.worker.stop();
    await moveTo(engine, '2040-10-28T01:40Z');
    await engine.startWorker();
    expect(await firedTimes(engine, 1)).toEqual(['2040-10-28T00:30Z']);
  });
});

describe('an outage', () => {
  async function afterAnHour(misfire: 'once' | 'skip'): Promise<Engine> {
    const engine = await engineAt('2040-01-10T10:01Z', { expression: '*/15 * * * *', misfire });
    await engine.worker.stop();
    await moveTo(engine, '2040-01-10T11:05Z');
    await engine.startWorker();
    await eventually(async () => expect(await nextTime(engine, 'tick')).toBe('2040-01-10T11:15Z'));
    await moveTo(engine, '2040-01-10T11:15Z');
    await eventually(async () => expect(await nextTime(engine, 'tick')).toBe('2040-01-10T11:30Z'));
    return engine;
  }

  it('is made up by one run for the latest instant', async () => {
    const engine = await afterAnHour('once');
    expect(await firedTimes(engine, 2)).toEqual(['2040-01-10T11:00Z', '2040-01-10T11:15Z']);
  });

  it('is not made up where it is to be skipped', async () => {
    const engine = await afterAnHour('skip');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T11:15Z']);
  });

  it('is noticed by a worker that lives on while the clock jumps', async () => {
    const engine = await engineAt('2040-01-10T10:01Z', { expression: '*/15 * * * *' });
    await moveTo(engine, '2040-01-10T11:05Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T11:00Z']);
  });
});

describe('schedules of a worker', () => {
  it('have ids of their own', async () => {
    const flows = [report({ expression: '* * * * *' }, 'a'), report({ expression: '* * * * *' }, 'b')];
    const error = await rejection(startEngine({ workflows: flows }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toBe('Schedule "tick" is declared by workflows "a" and "b"; give one of them another `id`');
  });

  it('are refused where they are defined', () => {
    expect(() => report({ expression: 'never' })).toThrow('\'never\' has 1 fields (cron[0]) (workflow "report")');
  });

  it('have inputs within the limit', async () => {
    const flow = report({ expression: '* * * * *', input: 'x'.repeat(100) });
    const error = await rejection(startEngine({ workflows: [flow], worker: { maxPayloadBytes: 50 } }));
    expect(error).toBeInstanceOf(PayloadTooLargeError);
  });

  it('are listed by id, and in the metadata of their workflow', async () => {
    const cron = [{ id: 'b', expression: '0 9 * * *', timezone: 'Europe/Berlin' }, { expression: '0 8 * * *' }];
    const engine = await startEngine({ workflows: [workflow('flow', () => 1, { cron })], worker: false });
    await moveTo(engine, '2040-01-10T10:00Z');
    await engine.startWorker();
    const schedules = await engine.client.listSchedules();
    expect(schedules.map(({ nextAt, ...rest }) => ({ ...rest, next: timeOf(nextAt) }))).toEqual([
      { id: 'b', workflow: 'flow', expression: '0 9 * * *', timezone: 'Europe/Berlin', paused: false, next: '2040-01-11T08:00Z' },
      {
        id: 'flow 0 8 * * * UTC',
        workflow: 'flow',
        expression: '0 8 * * *',
        timezone: 'UTC',
        paused: false,
        next: '2040-01-11T08:00Z',
      },
    ]);
    expect((await engine.client.getWorkflowMeta('flow'))?.cron).toEqual([
      { id: 'b', expression: '0 9 * * *', timezone: 'Europe/Berlin', misfire: 'once' },
      { id: 'flow 0 8 * * * UTC', expression: '0 8 * * *', timezone: 'UTC', misfire: 'once' },
    ]);
  });
});
