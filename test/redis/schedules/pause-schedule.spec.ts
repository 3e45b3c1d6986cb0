import { describe, expect, it } from '@jest/globals';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { recordOf, scheduleIn } from '../../support/schedule-room.js';

describe('pauseSchedule()', () => {
  it('marks the schedule, once', async () => {
    const room = openEngineRoom();
    await scheduleIn(room, 60_000);
    expect(await room.send(pauseSchedule('nightly'))).toBe('OK');
    expect(await room.repeat(pauseSchedule('nightly'))).toBe('OK');
    expect(await recordOf(room)).toEqual({
      id: 'nightly',
      workflow: 'greet',
      expression: '0 3 * * *',
      timezone: 'Europe/Berlin',
      paused: true,
    });
  });

  it('makes none', async () => {
    const room = openEngineRoom();
    expect(await room.send(pauseSchedule('nightly'))).toBe('MISSING');
    expect(await room.contents()).toEqual({});
  });
});
