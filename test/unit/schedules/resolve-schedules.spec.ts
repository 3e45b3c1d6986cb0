import { describe, expect, it } from '@jest/globals';
import type { CronTrigger } from '../../../lib/engine/core/api/trigger.types.js';
import { InvalidOptionError, SerializationError } from '../../../lib/engine/core/errors/index.js';
import { resolveSchedules } from '../../../lib/engine/core/schedules/resolve-schedules.js';
import { resolveWorkflowOptions } from '../../../lib/engine/core/workflows/resolve-workflow.js';

describe('resolveSchedules()', () => {
  it('fills in the defaults and freezes the result', () => {
    const [schedule] = resolveSchedules('report', [{ expression: '0  9 * * *' }]);
    expect(schedule).toMatchObject({
      id: 'report 0 9 * * * UTC',
      cron: { expression: '0 9 * * *', timezone: 'UTC' },
      misfire: 'once',
      input: '',
    });
    expect(Object.isFrozen(schedule)).toBe(true);
  });

  it('keeps what is given', () => {
    const trigger: CronTrigger = {
      id: 'nightly',
      expression: '0 3 * * *',
      timezone: 'Europe/Berlin',
      input: { a: 1 },
      misfire: 'skip',
    };
    expect(resolveSchedules('report', [trigger])).toMatchObject([
      { id: 'nightly', cron: { expression: '0 3 * * *', timezone: 'Europe/Berlin' }, misfire: 'skip', input: '{"a":1}' },
    ]);
  });

  it('derives a short id where a readable one would be too long, the same each time', () => {
    const ids = [1, 2].map(() => resolveSchedules('w'.repeat(120), [{ expression: '0 9 * * *' }])[0].id);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it.each<[string, unknown, string, string]>([
    ['no list', { expression: '* * * * *' }, 'cron', 'Expected `cron` to be a list of schedules'],
    ['an unknown option', [{ expression: '* * * * *', tz: 'UTC' }], 'tz', "Unsupported option 'tz' of `cron`"],
    ['nothing', [undefined], 'options', 'to be an object; got null (cron[0]) (workflow "report")'],
    ['a bad expression', [{ expression: '* * * * *' }, { expression: 'x' }], 'expression', "'x' has 1 fields (cron[1])"],
    ['a bad zone', [{ expression: '* * * * *', timezone: 'Nowhere' }], 'timezone', "got 'Nowhere' (cron[0])"],
    ['a bad misfire', [{ expression: '* * * * *', misfire: 'all' }], 'misfire', "to be 'once' or 'skip'; got 'all' (cron[0])"],
    ['an empty id', [{ id: '', expression: '* * * * *' }], 'id', 'the `id` of a schedule to be 1 to 128 bytes'],
    [
      'one schedule twice',
      [{ expression: '* * * * *' }, { expression: '*  * * * *', input: 1 }],
      'cron.id',
      'Schedule "report * * * * * UTC" is declared twice; give each an `id` of its own (workflow "report")',
    ],
  ])('refuses %s', (_, cron, option, message) => {
    const refused = () => resolveWorkflowOptions('report', { cron: cron as CronTrigger[] });
    expect(refused).toThrow(InvalidOptionError);
    expect(refused).toThrow(expect.objectContaining({ option, message: expect.stringContaining(message) }));
  });

  it('refuses an input that is not JSON', () => {
    expect(() => resolveSchedules('report', [{ expression: '* * * * *', input: { n: 1n } }])).toThrow(SerializationError);
  });
});
