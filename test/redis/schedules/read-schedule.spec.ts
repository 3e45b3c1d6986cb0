import { describe, expect, it } from '@jest/globals';
import { readSchedule } from '../../../lib/engine/redis/schedules/read-schedule.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { NIGHTLY, scheduleIn } from '../../support/schedule-room.js';

describe('readSchedule()', () => {
  it('gives a schedule and the time of Redis, or null', async () => {
    const room = openEngineRoom();
    await scheduleIn(room, 60_000);
    const { id, workflow, expression, timezone, input } = NIGHTLY;
    const read = await room.send(readSchedule('nightly'));
    expect(read?.schedule).toEqual({ id, workflow, expression, timezone, input });
    expect(Math.abs((await room.now()) - (read?.now as number))).toBeLessThan(10_000);
    expect(await room.send(readSchedule('weekly'))).toBeNull();
  });
});
