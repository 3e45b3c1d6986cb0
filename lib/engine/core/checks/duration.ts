import * as msModule from 'ms';
import type { Duration, When } from '../api/values.types.js';
import { InvalidOptionError } from '../errors/option.errors.js';
import { describeValue } from './describe-value.js';

const EXAMPLES = "a duration such as '30s', '5m', '2h', '7d'";
// Without `esModuleInterop`, Jest makes CommonJS of this file in which a default import of the function would be undefined.
const ms = (msModule.default ?? msModule) as typeof msModule.default;

const MAX_MS = 100 * 365.25 * 24 * 60 * 60 * 1000;

/**
 * Reads a duration as whole milliseconds; it may be zero or negative.
 *
 * @param option name of the option, for the message
 * @throws InvalidOptionError when it is not finite, cannot be read or is longer than 100 years
 */
export function parseDuration(value: Duration, option: string): number {
  const parsed = readDuration(value);
  if (parsed === undefined) refuse(option, `milliseconds or ${EXAMPLES}`, value);
  return withinBounds(parsed, option, value);
}

/**
 * Reads a duration of at least one millisecond.
 *
 * @throws InvalidOptionError like {@link parseDuration}, and when it is zero or negative
 */
export function parsePositiveDuration(value: Duration, option: string): number {
  const parsed = parseDuration(value, option);
  if (parsed <= 0) refuse(option, 'longer than 0 ms', value);
  return parsed;
}

/**
 * Reads a point in time: a `Date` as its epoch milliseconds, a duration as a delay on the Redis clock.
 *
 * @throws InvalidOptionError like {@link parseDuration}, and for an invalid `Date`
 */
export function parseWhen(value: When, option: string): { at: number } | { delayMs: number } {
  if (isDate(value)) {
    const at = value.getTime();
    if (Number.isNaN(at)) refuse(option, 'a valid Date', value);
    return { at };
  }
  const parsed = readDuration(value);
  if (parsed === undefined) refuse(option, `a Date, milliseconds from now or ${EXAMPLES}`, value);
  return { delayMs: withinBounds(parsed, option, value) };
}

function readDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value === '') return undefined;
  const parsed: number | undefined = ms(value as msModule.StringValue);
  return parsed !== undefined && Number.isFinite(parsed) ? parsed : undefined;
}

function withinBounds(parsed: number, option: string, value: unknown): number {
  if (Math.abs(parsed) > MAX_MS) refuse(option, 'at most 100 years', value);
  return Math.round(parsed) + 0; // + 0: a negative zero would be stored as '-0'
}

/** Also for dates of another realm, which `instanceof` misses. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}

function refuse(option: string, expected: string, value: unknown): never {
  throw new InvalidOptionError(option, `Expected \`${option}\` to be ${expected}; got ${describeValue(value)}`);
}
