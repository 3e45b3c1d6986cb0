import { InvalidOptionError } from '../errors/option.errors.js';
import { closeMatches } from './close-matches.js';
import { describeValue } from './describe-value.js';

export {
  canBeName,
  canBeSearchText,
  canBeTags,
  checkCancelReason,
  checkDeployment,
  checkIdempotencyKey,
  checkLimitKey,
  checkName,
  checkPrefix,
  checkRunId,
  checkScheduleId,
  checkStepName,
  checkTags,
  checkVersion,
} from './text-checks.js';

/** @throws InvalidOptionError unless it is an integer from 0 to 9 */
export function checkPriority(value: unknown, option = 'priority'): number {
  return checkPositiveInteger(value, option, { min: 0, max: 9 });
}

/** @throws InvalidOptionError unless it is an integer of at least 1 */
export function checkMaxAttempts(value: unknown, option = 'maxAttempts'): number {
  return checkPositiveInteger(value, option);
}

/** @throws InvalidOptionError unless it is true or false */
export function checkFlag(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(option, `Expected \`${option}\` to be true or false; got ${describeValue(value)}`);
}

/**
 * @param range both ends included; `min` defaults to 1
 * @throws InvalidOptionError unless it is an integer within the range
 */
export function checkPositiveInteger(value: unknown, option: string, range: { min?: number; max?: number } = {}): number {
  const { min = 1, max = Number.MAX_SAFE_INTEGER } = range;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const bounds = range.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidOptionError(option, `Expected \`${option}\` to be an integer ${bounds}; got ${describeValue(value)}`);
}

/** @throws InvalidOptionError unless it is a number of at least 0; `Infinity` is one */
export function checkTimeout(value: unknown, option: string): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new InvalidOptionError(
    option,
    `Expected \`${option}\` to be a number of milliseconds of at least 0, or Infinity; got ${describeValue(value)}`,
  );
}

/**
 * @param what such as `the options of result()`
 * @throws InvalidOptionError unless it is an object and no list
 */
export function checkObject(value: unknown, what: string, option = 'options'): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new InvalidOptionError(option, `Expected ${what} to be an object; got ${describeValue(value)}`);
}

/**
 * Refuses options that do nothing, such as mistyped ones. Absent options (`undefined`) pass.
 *
 * @param where whose options they are: `workflow "charge"`
 * @throws InvalidOptionError that lists the supported options and the likely one
 */
export function rejectUnknownKeys(object: unknown, allowed: readonly string[], where: string): void {
  if (object === undefined) return;
  checkObject(object, `the options of ${where}`);
  for (const key of Object.keys(object)) {
    if (!allowed.includes(key)) throw new InvalidOptionError(key, unknownKeyMessage(key, allowed, where));
  }
}

function unknownKeyMessage(key: string, allowed: readonly string[], where: string): string {
  const meant = closeMatches(key, allowed)
    .map((name) => `'${name}'`)
    .join(', ');
  const hint = meant === '' ? '' : ` Did you mean ${meant}?`;
  return `Unsupported option ${describeValue(key)} of ${where}.${hint} Supported options are: ${allowed.join(', ')}`;
}
