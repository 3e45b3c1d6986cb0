import { describe, expect, it } from '@jest/globals';
import { parseDuration, parsePositiveDuration, parseWhen } from '../../../lib/engine/core/checks/duration.js';
import { InvalidOptionError } from '../../../lib/engine/core/errors/index.js';

/** What plain JavaScript may pass. */
const any = (value: unknown): string => value as string;

describe('parseDuration()', () => {
  it.each([
    [0, 0],
    [-0.2, 0],
    [1500, 1_500],
    [-5, -5],
    [1.4, 1],
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['-2 hours', -7_200_000],
    ['250', 250],
  ])('reads %p as %p ms', (value, expected) => {
    expect(parseDuration(value, 'timeout')).toBe(expected);
  });

  it.each([
    ['soon', "'soon'"],
    ['', "''"],
    [' 5m', "' 5m'"],
    ['1e3', "'1e3'"],
    [`${'9'.repeat(400)}ms`, `'${'9'.repeat(64)}…' (402 characters)`],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [any(undefined), 'undefined'],
    [any(null), 'null'],
    [any({}), 'an object'],
    [any(['5m']), 'an array'],
    [any(5n), '5n'],
    [any(true), 'true'],
    [any(() => 5), 'a function'],
    [any(Promise.resolve(5)), 'a promise'],
    [any(new Date(0)), 'the Date 1970-01-01T00:00:00.000Z'],
  ])('refuses %p', (value, shown) => {
    expect(() => parseDuration(value, 'timeout')).toThrow(
      new InvalidOptionError(
        'timeout',
        `Expected \`timeout\` to be milliseconds or a duration such as '30s', '5m', '2h', '7d'; got ${shown}`,
      ),
    );
  });

  it('refuses more than a hundred years, either way', () => {
    expect(parseDuration('100y', 'timeout')).toBe(3_155_760_000_000);
    expect(() => parseDuration('101y', 'timeout')).toThrow("Expected `timeout` to be at most 100 years; got '101y'");
    expect(() => parseDuration(-1e300, 'timeout')).toThrow('Expected `timeout` to be at most 100 years; got -1e+300');
  });
});

describe('parsePositiveDuration()', () => {
  it('reads a duration of at least one millisecond', () => {
    expect(parsePositiveDuration('1ms', 'timeout')).toBe(1);
    expect(parsePositiveDuration('30d', 'timeout')).toBe(2_592_000_000);
  });

  it.each([
    [0, '0'],
    ['0s', "'0s'"],
    [-1, '-1'],
    [0.3, '0.3'],
  ])('refuses %p', (value, shown) => {
    expect(() => parsePositiveDuration(value, 'period')).toThrow(
      new InvalidOptionError('period', `Expected \`period\` to be longer than 0 ms; got ${shown}`),
    );
  });
});

describe('parseWhen()', () => {
  it('tells an instant from a delay', () => {
    expect(parseWhen(new Date(1_000), 'runAt')).toEqual({ at: 1_000 });
    expect(parseWhen('1h', 'runAt')).toEqual({ delayMs: 3_600_000 });
    expect(parseWhen(-5, 'runAt')).toEqual({ delayMs: -5 });
  });

  it('refuses what is neither', () => {
    expect(() => parseWhen(new Date('x'), 'runAt')).toThrow('Expected `runAt` to be a valid Date; got an invalid Date');
    expect(() => parseWhen('tomorrow', 'runAt')).toThrow(
      "Expected `runAt` to be a Date, milliseconds from now or a duration such as '30s', '5m', '2h', '7d'; got 'tomorrow'",
    );
    expect(() => parseWhen(Number.NaN, 'runAt')).toThrow(InvalidOptionError);
    expect(() => parseWhen('1000y', 'runAt')).toThrow("Expected `runAt` to be at most 100 years; got '1000y'");
  });
});
