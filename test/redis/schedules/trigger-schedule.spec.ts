import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { triggerSchedule } from '../../../lib/engine/redis/schedules/trigger-schedule.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { recordOf, scheduleIn } from '../../support/schedule-room.js';

describe('triggerSchedule()', () => {
  it('starts one run, with the input of the schedule, which stays where it is', async () => {
    const room = openEngineRoom();
    const nextAt = await scheduleIn(room, 60_000);
    const op = triggerSchedule('nightly', room.newRun({ id: 'now', queue: 'reports' }));
    const before = await room.now();
    expect(await room.send(op)).toEqual({ status: 'CREATED', id: 'now' });
    expect(await room.repeat(op)).toEqual({ status: 'CREATED', id: 'now' });
    const run = await room.send(readRun('now'));
    expect(run).toMatchObject({ workflow: 'greet', queue: 'reports', input: { a: 1 }, trigger: 'cron', scheduleId: 'nightly' });
    expect(run?.scheduledFor).toBeGreaterThanOrEqual(before);
    expect(await recordOf(room)).toEqual(expect.objectContaining({ nextAt }));
    expect(await room.queued('reports')).toEqual(['now']);
  });

  it('starts one of a paused schedule', async () => {
    const room = openEngineRoom();
    await scheduleIn(room, 60_000);
    await room.send(pauseSchedule('nightly'));
    expect(await room.send(triggerSchedule('nightly', room.newRun()))).toMatchObject({ status: 'CREATED' });
  });

  it('starts none of a schedule that is gone, or of another workflow by now', async () => {
    const room = openEngineRoom();
    expect(await room.send(triggerSchedule('nightly', room.newRun()))).toEqual({ status: 'MISSING' });
    await scheduleIn(room, 60_000, { workflow: 'other' });
    expect(await room.send(triggerSchedule('nightly', room.newRun()))).toEqual({ status: 'CHANGED' });
    expect(await room.queued()).toEqual([]);
  });

  it('repeated, says so also when the schedule has been removed meanwhile', async () => {
    const room = openEngineRoom();
    await scheduleIn(room, 60_000);
    const op = triggerSchedule('nightly', room.newRun());
    await room.send(op);
    await room.redis.del(room.key('schedule:nightly'));
    expect(await room.repeat(op)).toMatchObject({ status: 'CREATED' });
  });
});
