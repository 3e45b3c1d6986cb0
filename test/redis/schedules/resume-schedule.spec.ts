import { describe, expect, it } from '@jest/globals';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { resumeSchedule } from '../../../lib/engine/redis/schedules/resume-schedule.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { NIGHTLY, recordOf, scheduleIn } from '../../support/schedule-room.js';

describe('resumeSchedule()', () => {
  it('ends the pause and keeps a next instant that is still to come', async () => {
    const room = openEngineRoom();
    const nextAt = await scheduleIn(room, 60_000);
    await room.send(pauseSchedule('nightly'));
    const op = resumeSchedule(NIGHTLY, nextAt + 1);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    expect(await recordOf(room)).toMatchObject({ paused: false, nextAt });
  });

  it('leaves out what was due in a pause in which no worker lived', async () => {
    const room = openEngineRoom();
    const nextAt = await scheduleIn(room, 60_000);
    await room.send(pauseSchedule('nightly'));
    await room.advance(3_600_000);
    const op = resumeSchedule(NIGHTLY, nextAt + 7_200_000);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    expect(await recordOf(room)).toMatchObject({ paused: false, nextAt: nextAt + 7_200_000 });
  });

  it('changes nothing of a schedule that is not paused, though it is late', async () => {
    const room = openEngineRoom();
    const nextAt = await scheduleIn(room, -3_600_000);
    expect(await room.send(resumeSchedule(NIGHTLY, nextAt + 7_200_000))).toBe('OK');
    expect(await recordOf(room)).toMatchObject({ nextAt });
  });

  it('asks again when the expression, or the time, is another by now', async () => {
    const room = openEngineRoom();
    const nextAt = await scheduleIn(room, 60_000, { expression: '0 4 * * *' });
    await room.send(pauseSchedule('nightly'));
    expect(await room.send(resumeSchedule(NIGHTLY, nextAt))).toBe('CHANGED');
    const past = (await room.now()) - 1;
    expect(await room.send(resumeSchedule({ ...NIGHTLY, expression: '0 4 * * *' }, past))).toBe('CHANGED');
    expect(await recordOf(room)).toMatchObject({ paused: true });
  });

  it('makes none', async () => {
    const room = openEngineRoom();
    expect(await room.send(resumeSchedule(NIGHTLY, 5))).toBe('MISSING');
    expect(await room.contents()).toEqual({});
  });
});
