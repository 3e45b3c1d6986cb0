import { InvalidOptionError } from '../errors/option.errors.js';
import { describeValue } from './describe-value.js';

const MAX_NAME_BYTES = 128;
const MAX_KEY_BYTES = 512;
const MAX_STEP_NAME_CHARACTERS = 512;
const MAX_REASON_BYTES = 1_024;
const MAX_TAGS = 16;
const MAX_TAG_NAME_BYTES = 64;
const MAX_TAG_VALUE_BYTES = 256;

const CONTROL_CHARACTER = /\p{Cc}/u;
const LONE_SURROGATE = /\p{Cs}/u;
const CALL_NUMBER = /#\d+$/;

/**
 * @param what whose name it is: `workflow`, `queue`
 * @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters
 */
export function checkName(value: unknown, what: string): string {
  if (isName(value)) return value;
  return refuse(what, `the ${what} name to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 512 characters that does not end like the name of a numbered call */
export function checkStepName(value: unknown, option = 'name', what = 'step name'): string {
  if (isWhole(value) && hasAtMost(value, MAX_STEP_NAME_CHARACTERS)) {
    if (!CALL_NUMBER.test(value)) return value;
    const expected = `the ${what} not to end in "#" and a number, which tell the calls of a @Step() method apart`;
    throw new InvalidOptionError(option, `Expected ${expected}; got ${describeValue(value)}. Use another sign, such as ":"`);
  }
  return refuse(option, `the ${what} to be a string of 1 to ${MAX_STEP_NAME_CHARACTERS} characters`, value);
}

/**
 * Whether anything can have this id or name. Calls that read answer for one that nothing can have as for one that nothing has: it may
 * have come in a URL.
 * @throws InvalidOptionError unless it is a string
 */
export function canBeName(value: unknown, option: string): value is string {
  return isName(value) || (typeof value !== 'string' && refuse(option, `\`${option}\` to be a string`, value));
}

/**
 * Whether anything can have a text that begins so, as {@link canBeName}.
 * @throws InvalidOptionError unless it is a string that is not empty
 */
export function canBeSearchText(value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return refuse('text', '`text` to be a string that is not empty', value);
  return isText(value, MAX_KEY_BYTES);
}

/**
 * Whether anything can have these tags, as {@link canBeName}.
 * @throws InvalidOptionError unless it is an object of strings
 */
export function canBeTags(value: unknown, option: string): value is Record<string, string> {
  if (!isObject(value)) return refuse(option, `\`${option}\` to be an object of strings`, value);
  const wrong = Object.entries(value).find(([, tag]) => typeof tag !== 'string');
  if (wrong) return refuse(option, `tag ${describeValue(wrong[0])} in \`${option}\` to be a string`, wrong[1]);
  try {
    checkTags(value, option);
    return true;
  } catch {
    return false; // longer, or more of them, than any run has
  }
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters */
export function checkRunId(value: unknown, option = 'runId'): string {
  if (isName(value)) return value;
  return refuse(option, `\`${option}\` to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters */
export function checkVersion(value: unknown): string {
  if (isName(value)) return value;
  return refuse('version', `\`version\` to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters */
export function checkDeployment(value: unknown): string {
  if (isName(value)) return value;
  return refuse('deployment', `\`deployment\` to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters */
export function checkScheduleId(value: unknown): string {
  if (isName(value)) return value;
  return refuse('id', `the \`id\` of a schedule to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 512 UTF-8 bytes */
export function checkIdempotencyKey(value: unknown): string {
  if (isText(value, MAX_KEY_BYTES)) return value;
  return refuse('idempotencyKey', `\`idempotencyKey\` to be 1 to ${MAX_KEY_BYTES} bytes of text`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without control characters */
export function checkEventId(value: unknown): string {
  if (isName(value)) return value;
  return refuse('eventId', `\`eventId\` to be 1 to ${MAX_NAME_BYTES} bytes of text without control characters`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 512 UTF-8 bytes */
export function checkCorrelationKey(value: unknown): string {
  if (isText(value, MAX_KEY_BYTES)) return value;
  return refuse('correlationKey', `\`correlationKey\` to be 1 to ${MAX_KEY_BYTES} bytes of text`, value);
}

/**
 * @param option whose key function returned it
 * @throws InvalidOptionError unless it is a string of at most 512 UTF-8 bytes; the empty one is a key
 */
export function checkLimitKey(value: unknown, option: string, workflow: string): string {
  if (value === '' || isText(value, MAX_KEY_BYTES)) return value;
  const expected = `\`${option}\` of workflow "${workflow}" to return at most ${MAX_KEY_BYTES} bytes of text, or undefined`;
  return refuse(option, expected, value);
}

/** @throws InvalidOptionError unless it is a string of at most 1,024 UTF-8 bytes */
export function checkCancelReason(value: unknown): string {
  if (value === '' || isText(value, MAX_REASON_BYTES)) return value;
  return refuse('reason', `\`reason\` to be a string of at most ${MAX_REASON_BYTES} bytes`, value);
}

/** @throws InvalidOptionError unless it is a string of 1 to 128 UTF-8 bytes without braces, spaces or control characters */
export function checkPrefix(value: unknown): string {
  if (isName(value) && !/[{}\s]/.test(value)) return value;
  return refuse(
    'prefix',
    `\`prefix\` to be 1 to ${MAX_NAME_BYTES} bytes of text without braces, spaces or control characters`,
    value,
  );
}

/** @throws InvalidOptionError unless it is an object of at most 16 strings, names up to 64 and values up to 256 UTF-8 bytes */
export function checkTags(value: unknown, option = 'tags'): Record<string, string> {
  if (!isObject(value)) return refuse(option, `\`${option}\` to be an object of strings`, value);
  const entries = Object.entries(value);
  if (entries.length > MAX_TAGS) {
    throw new InvalidOptionError(option, `Expected \`${option}\` to hold at most ${MAX_TAGS} tags; got ${entries.length}`);
  }
  const tags: Array<[string, string]> = [];
  for (const [name, tag] of entries) {
    if (!isText(name, MAX_TAG_NAME_BYTES))
      refuse(option, `names in \`${option}\` to be 1 to ${MAX_TAG_NAME_BYTES} bytes of text`, name);
    if (tag !== '' && !isText(tag, MAX_TAG_VALUE_BYTES)) {
      return refuse(
        option,
        `tag ${describeValue(name)} in \`${option}\` to be a string of at most ${MAX_TAG_VALUE_BYTES} bytes`,
        tag,
      );
    }
    tags.push([name, tag]);
  }
  return Object.fromEntries(tags);
}

function isName(value: unknown): value is string {
  return isText(value, MAX_NAME_BYTES) && !CONTROL_CHARACTER.test(value);
}

function isText(value: unknown, maxBytes: number): value is string {
  return isWhole(value) && Buffer.byteLength(value) <= maxBytes;
}

/**
 * Half a surrogate pair, such as `slice()` leaves of an emoji, is refused: all halves turn into one replacement character, so that
 * different keys would meet in Redis, and none would be found under the name it was stored with.
 */
function isWhole(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !LONE_SURROGATE.test(value);
}

/** Counts characters, not UTF-16 units, of which a character has at most two. */
function hasAtMost(value: string, characters: number): boolean {
  return value.length <= characters || (value.length <= characters * 2 && [...value].length <= characters);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(option: string, expected: string, value: unknown): never {
  if (typeof value === 'string' && LONE_SURROGATE.test(value)) {
    throw new InvalidOptionError(
      option,
      `Expected ${expected}; got ${describeValue(value)}, which has half a surrogate pair: cut texts between characters`,
    );
  }
  throw new InvalidOptionError(option, `Expected ${expected}; got ${describeValue(value)}`);
}
