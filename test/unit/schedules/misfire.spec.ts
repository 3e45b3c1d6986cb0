import { describe, expect, it } from '@jest/globals';
import { decideTick } from '../../../lib/engine/core/schedules/misfire.js';
import { resolveSchedules } from '../../../lib/engine/core/schedules/resolve-schedules.js';

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);

function decide(expression: string, misfire: 'once' | 'skip', expected: string, now: string) {
  const [schedule] = resolveSchedules('report', [{ expression, misfire }]);
  const { instant, following } = decideTick(schedule, at(expected), at(now));
  const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(11, 19));
  return [time(instant), time(following)];
}

describe('decideTick()', () => {
  it.each(['once', 'skip'] as const)('fires each instant that is at most 60 s late (%s)', (misfire) => {
    expect(decide('* * * * * *', misfire, '10:00:00', '10:00:03')).toEqual(['10:00:00', '10:00:01']);
    expect(decide('0 * * * *', misfire, '10:00:00', '10:01:00')).toEqual(['10:00:00', '11:00:00']);
  });

  it.each(['once', 'skip'] as const)('fires the latest ten of those that are overdue together (%s)', (misfire) => {
    expect(decide('* * * * * *', misfire, '10:00:00', '10:00:09')).toEqual(['10:00:00', '10:00:01']);
    expect(decide('* * * * * *', misfire, '10:00:00', '10:00:10')).toEqual(['10:00:01', '10:00:02']);
    expect(decide('* * * * * *', misfire, '10:00:00', '10:00:45')).toEqual(['10:00:36', '10:00:37']);
    expect(decide('* * * * * *', misfire, '10:00:37', '10:00:45')).toEqual(['10:00:37', '10:00:38']);
    expect(decide('*/5 * * * * *', misfire, '10:00:00', '10:00:58')).toEqual(['10:00:10', '10:00:15']);
    expect(decide('*/6 * * * * *', misfire, '10:00:00', '10:00:55')).toEqual(['10:00:00', '10:00:06']);
  });

  it('fires the latest of those missed, or none', () => {
    expect(decide('0 * * * *', 'once', '10:00:00', '10:01:00.001')).toEqual(['10:00:00', '11:00:00']);
    expect(decide('0 * * * *', 'skip', '10:00:00', '10:01:00.001')).toEqual([undefined, '11:00:00']);
    expect(decide('*/15 * * * *', 'once', '10:00:00', '11:05:00')).toEqual(['11:00:00', '11:15:00']);
    expect(decide('*/15 * * * *', 'skip', '10:00:00', '11:05:00')).toEqual([undefined, '11:15:00']);
  });

  it.each(['once', 'skip'] as const)('fires the latest when that is not late itself (%s)', (misfire) => {
    expect(decide('*/15 * * * *', misfire, '10:00:00', '11:00:30')).toEqual(['11:00:00', '11:15:00']);
    expect(decide('* * * * * *', misfire, '10:00:00', '11:00:30')).toEqual(['11:00:30', '11:00:31']);
  });
});
