import { describe, expect, it } from '@jest/globals';
import { scheduledRunIdOf } from '../../../lib/engine/core/ids.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { fireSchedule } from '../../../lib/engine/redis/schedules/fire-schedule.js';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { NIGHTLY, recordOf, scheduleIn, tickOf } from '../../support/schedule-room.js';

const HOUR_MS = 3_600_000;

describe('fireSchedule()', () => {
  it('starts the run of the instant and moves the schedule on', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    const answer = await room.send(await tickOf(room, instant));
    expect(answer).toEqual({ status: 'FIRED', now: expect.any(Number), nextAt: instant + HOUR_MS });
    expect(await room.send(readRun(scheduledRunIdOf('nightly', instant)))).toMatchObject({
      workflow: 'greet',
      queue: 'reports',
      status: 'queued',
      priority: 3,
      maxAttempts: 7,
      tags: { team: 'blue' },
      input: { a: 1 },
      trigger: 'cron',
      scheduleId: 'nightly',
      scheduledFor: instant,
    });
    expect(await recordOf(room)).toMatchObject({ nextAt: instant + HOUR_MS, lastAt: instant });
  });

  it('repeated, or asked by a second worker, makes one run and says where the schedule is', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    const op = await tickOf(room, instant);
    await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ status: 'MOVED', nextAt: instant + HOUR_MS });
    expect(await room.send(await tickOf(room, instant))).toMatchObject({ status: 'MOVED', nextAt: instant + HOUR_MS });
    expect(await room.queued('reports')).toEqual([scheduledRunIdOf('nightly', instant)]);
  });

  it('makes no second run of an instant when Redis has forgotten that it moved on', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    await room.send(await tickOf(room, instant));
    await room.redis.hset(room.key('schedule:nightly'), 'nx', instant);
    expect(await room.send(await tickOf(room, instant))).toMatchObject({ status: 'FIRED' });
    expect(await room.queued('reports')).toHaveLength(1);
  });

  it('skips an instant while the workflow is at its maxConcurrency', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    await room.redis.hset(room.key('controls'), 'cgreet', 1);
    await room.running({ id: 'r1' });
    const op = await tickOf(room, instant);
    expect(await room.send(op)).toMatchObject({ status: 'SKIPPED', nextAt: instant + HOUR_MS });
    expect(await room.repeat(op)).toMatchObject({ status: 'MOVED' });
    expect(await room.queued('reports')).toEqual([]);
    expect(await recordOf(room)).not.toHaveProperty('lastAt', instant);
  });

  it('never fires before its time', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 60_000);
    const before = await room.contents();
    expect(await room.send(await tickOf(room, instant))).toMatchObject({ status: 'EARLY', nextAt: instant });
    expect(await room.contents()).toEqual(before);
  });

  it('never fires a later instant than one that is due', async () => {
    const room = openEngineRoom();
    const due = await scheduleIn(room, 0);
    const before = await room.contents();
    expect(await room.send(await tickOf(room, due, { instant: due + HOUR_MS }))).toMatchObject({ status: 'EARLY', nextAt: due });
    expect(await room.contents()).toEqual(before);
  });

  it('asks to judge again when the call has lain around', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    const op = await tickOf(room, instant);
    await room.advance(HOUR_MS);
    expect(await room.send(op)).toMatchObject({ status: 'LATE', nextAt: instant });
    expect(await room.queued('reports')).toEqual([]);
    expect(await room.send(await tickOf(room, instant))).toMatchObject({ status: 'FIRED' });
  });

  it('skips what was missed', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    const op = await tickOf(room, instant, { instant: undefined });
    expect(await room.send(op)).toMatchObject({ status: 'SKIPPED', nextAt: instant + HOUR_MS });
    expect(await room.repeat(op)).toMatchObject({ status: 'MOVED' });
    expect(await room.queued('reports')).toEqual([]);
    expect(await recordOf(room)).not.toHaveProperty('lastAt');
  });

  it('moves a paused schedule on without a run', async () => {
    const room = openEngineRoom();
    const instant = await scheduleIn(room, 0);
    await room.send(pauseSchedule('nightly'));
    const op = await tickOf(room, instant);
    expect(await room.send(op)).toMatchObject({ status: 'PAUSED', nextAt: instant + HOUR_MS });
    expect(await room.repeat(op)).toMatchObject({ status: 'MOVED' });
    expect(await room.queued('reports')).toEqual([]);
  });

  it.each([{ expression: '0 4 * * *' }, { timezone: 'UTC' }, { workflow: 'other' }])(
    'leaves a schedule alone that a later deployment declares with %p',
    async (change) => {
      const room = openEngineRoom();
      const instant = await scheduleIn(room, 0, change);
      const before = await room.contents();
      expect(await room.send(await tickOf(room, instant))).toEqual({ status: 'OTHER', now: expect.any(Number) });
      expect(await room.contents()).toEqual(before);
    },
  );

  it('writes nothing for a schedule that is gone', async () => {
    const room = openEngineRoom();
    expect(await room.send(await tickOf(room, 5))).toEqual({ status: 'GONE', now: expect.any(Number) });
    expect(await room.contents()).toEqual({});
  });

  it('keeps schedules apart whose ids and instants would join to the same text', () => {
    const run = openEngineRoom().newRun();
    const ids = [
      ['a', 11],
      ['a1', 1],
    ].map(([id, expected]) => {
      const tick = { expected: expected as number, instant: expected as number, following: 99, judgedAt: 0, run };
      return fireSchedule({ ...tick, schedule: { ...NIGHTLY, id: id as string } }).args[5];
    });
    expect(ids[0]).not.toBe(ids[1]);
  });
});
