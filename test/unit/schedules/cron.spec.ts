import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError } from '../../../lib/engine/core/errors/index.js';
import { parseCron } from '../../../lib/engine/core/schedules/cron.js';

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';
const LORD_HOWE = 'Australia/Lord_Howe';

const iso = (instant: number) => new Date(instant).toISOString().replace(':00.000Z', 'Z');

/** The instants from a time on, to the minute. */
function ticks(expression: string, timezone: string, from: string, count: number): string[] {
  const cron = parseCron(expression, timezone);
  const found: number[] = [];
  let instant = Date.parse(from);
  while (found.length < count) {
    instant = cron.next(instant);
    found.push(instant);
  }
  // Backwards they are the same.
  for (const [index, tick] of found.entries()) {
    expect(iso(cron.latest(tick))).toBe(iso(tick));
    expect(iso(cron.latest(tick + 999))).toBe(iso(tick));
    if (index > 0) expect(iso(cron.latest(tick - 1))).toBe(iso(found[index - 1]));
  }
  return found.map(iso);
}

describe('parseCron()', () => {
  it('reads 5 fields, and 6 with seconds first', () => {
    expect(ticks('0 9 * * 1-5', 'UTC', '2026-01-02T10:00Z', 2)).toEqual(['2026-01-05T09:00Z', '2026-01-06T09:00Z']);
    expect(ticks('*/20 * * * * *', 'UTC', '2026-01-01T00:00:05Z', 2)).toEqual([
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
    ]);
  });

  it('reads times of its zone, and gives the expression single spaces', () => {
    expect(ticks('0  9 * *  *', BERLIN, '2026-01-01T00:00Z', 1)).toEqual(['2026-01-01T08:00Z']);
    expect(parseCron(' 0  9 * *  * ', BERLIN)).toMatchObject({ expression: '0 9 * * *', timezone: BERLIN });
  });

  it.each([
    ['0,*/15 * * * *', '0,15,30,45 * * * *'],
    ['1-5,5 * * * *', '1,2,3,4,5 * * * *'],
    ['7,7 0,0 * * *', '7 0 * * *'],
    ['*/20,0-5 1 * * * *', '0,1,2,3,4,5,20,40 1 * * * *'],
    ['0 9 * * MON,1-3', '0 9 * * 1,2,3'],
    ['0 9 * * 0,6,7', '0 9 * * 0,6'],
    ['0 9 1,JAN-MAR,2 * *', undefined],
    ['0 9 1 JAN,1-2,MAR *', '0 9 1 1,2,3 *'],
    ['0 9 15,L,15 * *', '0 9 15,L * *'],
    ['30 *,5 * * *', '30 * * * *'],
    ['0 9 *,1 * 1', '0 9 * * 1'],
  ])('reads %s as crontab(5) does, each value once', (expression, plain) => {
    if (plain === undefined) expect(() => parseCron(expression, BERLIN)).toThrow(InvalidOptionError);
    else {
      expect(ticks(expression, BERLIN, '2026-03-28T00:00Z', 60)).toEqual(ticks(plain, BERLIN, '2026-03-28T00:00Z', 60));
      expect(parseCron(expression, BERLIN).expression).toBe(expression);
    }
  });

  it('knows leap days', () => {
    expect(ticks('0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T00:00Z']);
  });

  it('fires strictly after, and no later than', () => {
    const cron = parseCron('0 9 * * *', 'UTC');
    const nine = Date.parse('2026-01-01T09:00Z');
    expect([cron.next(nine - 1), cron.next(nine)]).toEqual([nine, nine + 86_400_000]);
    expect([cron.latest(nine), cron.latest(nine - 1)]).toEqual([nine, nine - 86_400_000]);
  });

  it.each([
    [undefined, 'UTC', 'expression', 'undefined is no text'],
    ['', 'UTC', 'expression', "'' has 0 fields"],
    ['* * * *', 'UTC', 'expression', "'* * * *' has 4 fields"],
    ['* * * * * * *', 'UTC', 'expression', 'has 7 fields'],
    ['@daily', 'UTC', 'expression', 'has 1 fields'],
    ['60 * * * *', 'UTC', 'expression', "'60 * * * *' cannot be read"],
    ['0 0 31 2 *', 'UTC', 'expression', 'cannot be read'],
    ['0 0 30-31 2 *', 'UTC', 'expression', 'cannot be read'],
    ['H * * * *', 'UTC', 'expression', 'random field (H)'],
    ['* * * * *', 'Mars/Olympus', 'timezone', "IANA zone that this runtime knows, such as 'Europe/Berlin'; got 'Mars/Olympus'"],
    ['* * * * *', '+01:00', 'timezone', "got '+01:00'"],
    ['* * * * *', 5, 'timezone', 'got 5'],
    ['* * * * *', '', 'timezone', "got ''"],
  ])('refuses %p in zone %p', (expression, timezone, option, problem) => {
    expect(() => parseCron(expression, timezone)).toThrow(
      expect.objectContaining({ constructor: InvalidOptionError, option, message: expect.stringContaining(problem) }),
    );
  });
});

describe('a local time that does not exist', () => {
  it('fires once, at the first instant after the gap', () => {
    expect(ticks('30 2 * * *', BERLIN, '2026-03-28T00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    expect(ticks('30 2 * * *', NEW_YORK, '2026-03-07T00:00Z', 3)).toEqual([
      '2026-03-07T07:30Z',
      '2026-03-08T07:00Z',
      '2026-03-09T06:30Z',
    ]);
  });

  it('fires once together with others of the gap, and with what is due right after it', () => {
    expect(ticks('0,30 2 * * *', BERLIN, '2026-03-28T12:00Z', 2)).toEqual(['2026-03-29T01:00Z', '2026-03-30T00:00Z']);
    expect(ticks('0,30 2,3 * * *', NEW_YORK, '2026-03-07T12:00Z', 3)).toEqual([
      '2026-03-08T07:00Z',
      '2026-03-08T07:30Z',
      '2026-03-09T06:00Z',
    ]);
  });

  it('of a gap of half an hour', () => {
    expect(ticks('15 2 * * *', LORD_HOWE, '2026-10-02T20:00Z', 2)).toEqual(['2026-10-03T15:30Z', '2026-10-04T15:15Z']);
  });

  it('of a gap at midnight, on the day that has it', () => {
    expect(ticks('30 0 * * 0', 'America/Sao_Paulo', '2018-11-01T00:00Z', 2)).toEqual(['2018-11-04T03:00Z', '2018-11-11T02:30Z']);
    expect(ticks('0 0 24 * *', 'Africa/Cairo', '2026-04-01T00:00Z', 2)).toEqual(['2026-04-23T22:00Z', '2026-05-23T21:00Z']);
  });
});

describe('a local time that exists twice', () => {
  it('fires once, the first time', () => {
    expect(ticks('30 2 * * *', BERLIN, '2026-10-24T12:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z']);
    expect(ticks('30 1 * * *', NEW_YORK, '2026-10-31T12:00Z', 2)).toEqual(['2026-11-01T05:30Z', '2026-11-02T06:30Z']);
    expect(ticks('45 1 * * *', LORD_HOWE, '2026-04-04T00:00Z', 2)).toEqual(['2026-04-04T14:45Z', '2026-04-05T15:15Z']);
  });

  it('fires no more when the second time is where one starts from', () => {
    const cron = parseCron('*/10 2 * * *', BERLIN);
    const second = Date.parse('2026-10-25T01:25Z');
    expect(iso(cron.next(second))).toBe('2026-10-26T01:00Z');
    expect(iso(cron.latest(second))).toBe('2026-10-25T00:50Z');
  });
});

describe('an expression for every hour', () => {
  it('ticks on in real time when the clock goes forward', () => {
    expect(ticks('30 * * * *', BERLIN, '2026-03-29T00:00Z', 3)).toEqual([
      '2026-03-29T00:30Z',
      '2026-03-29T01:30Z',
      '2026-03-29T02:30Z',
    ]);
    expect(ticks('*/20 * * * *', LORD_HOWE, '2026-10-03T15:00Z', 4)).toEqual([
      '2026-10-03T15:10Z',
      '2026-10-03T15:40Z',
      '2026-10-03T16:00Z',
      '2026-10-03T16:20Z',
    ]);
  });

  it('ticks on in real time through both of two equal hours', () => {
    expect(ticks('0 * * * *', NEW_YORK, '2026-11-01T04:30Z', 4)).toEqual([
      '2026-11-01T05:00Z',
      '2026-11-01T06:00Z',
      '2026-11-01T07:00Z',
      '2026-11-01T08:00Z',
    ]);
    expect(ticks('*/30 * * * *', BERLIN, '2026-10-25T00:10Z', 4)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
      '2026-10-25T01:30Z',
      '2026-10-25T02:00Z',
    ]);
    expect(ticks('*/20 * * * *', LORD_HOWE, '2026-04-04T14:45Z', 4)).toEqual([
      '2026-04-04T15:10Z',
      '2026-04-04T15:30Z',
      '2026-04-04T15:50Z',
      '2026-04-04T16:10Z',
    ]);
  });

  it('has one tick a second through a year of changes, and finds the last of a long outage at once', () => {
    const cron = parseCron('* * * * * *', BERLIN);
    for (const around of ['2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-10-25T00:00Z']) {
      for (let instant = Date.parse(around) - 5_000; instant < Date.parse(around) + 5_000; instant += 1_000) {
        expect(cron.next(instant)).toBe(instant + 1_000);
      }
    }
    const asked = performance.now();
    expect(cron.latest(Date.parse('2036-05-05T05:05:05.500Z'))).toBe(Date.parse('2036-05-05T05:05:05Z'));
    expect(performance.now() - asked).toBeLessThan(1_000);
  });
});

describe('every expression, in every zone', () => {
  const expressions = ['0 2 * * *', '30 0-3 * * *', '*/7 1,2 * * *', '0 */2 * * *', '17 * * * *', '*/25 * * * *', '0 0 * * 0'];
  const days: Array<[string, string]> = [
    [BERLIN, '2026-03-28T12:00Z'],
    [BERLIN, '2026-10-24T12:00Z'],
    [NEW_YORK, '2026-03-07T12:00Z'],
    [NEW_YORK, '2026-10-31T12:00Z'],
    [LORD_HOWE, '2026-04-04T00:00Z'],
    [LORD_HOWE, '2026-10-03T00:00Z'],
    ['America/Sao_Paulo', '2018-11-03T12:00Z'],
    ['Africa/Cairo', '2026-04-23T00:00Z'],
    ['Asia/Kolkata', '2026-04-23T00:00Z'],
  ];

  it.each(days)('goes the same way forward and back around a change: %s %s', (zone, from) => {
    for (const expression of expressions) {
      const found = ticks(expression, zone, from, 40);
      expect([...new Set(found)].sort()).toEqual(found);
    }
  });
});
