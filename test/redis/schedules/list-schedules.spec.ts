import { describe, expect, it } from '@jest/globals';
import { listSchedules } from '../../../lib/engine/redis/schedules/list-schedules.js';
import { start } from '../../support/declaring.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { NIGHTLY } from '../../support/schedule-room.js';

describe('listSchedules()', () => {
  it('is empty in an empty namespace', async () => {
    const room = openEngineRoom();
    expect(await room.send(listSchedules('', 10))).toEqual([]);
  });

  it('gives pages by id', async () => {
    const room = openEngineRoom();
    const nextAt = 9_000_000_000_000;
    await start(room, 'w1', 'd1', { schedules: ['b', '{}:*', 'a', 'c'].map((id) => ({ ...NIGHTLY, id, nextAt })) });
    const [a, b] = await room.send(listSchedules('', 2));
    expect(a.id).toBe('a');
    const { workflow, expression, timezone } = NIGHTLY;
    expect(b).toEqual({ id: 'b', workflow, expression, timezone, paused: false, nextAt });
    expect((await room.send(listSchedules('b', 2))).map(({ id }) => id)).toEqual(['c', '{}:*']);
    expect(await room.send(listSchedules('{}:*', 2))).toEqual([]);
  });
});
