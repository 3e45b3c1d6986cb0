import type { StoredError } from '../api/run.types.js';
import { describeValue } from '../checks/describe-value.js';
import { readSafely } from '../checks/read-safely.js';
import { areSame, classNamesOf, impliedClassNames } from '../errors/class-names.js';
import { redflowErrorCode } from '../errors/error-codes.js';
import { copyJsonFields, type FieldRoom } from './json-fields.js';
import { firstLine, fromStoredError } from './rebuilt-error.js';

export { fromStoredError };

const MAX_CAUSES = 10;
/** Of one thrown error: itself, its causes, its aggregated errors and the errors in its fields. */
const MAX_ERRORS = 100;
const MAX_CHARACTERS = 64 * 1024;
const MAX_FIELD_CHARACTERS = 32 * 1024;
const MAX_NAME_CHARACTERS = 1024;

interface Limits {
  message: number;
  stack: number;
}

const OUTERMOST: Limits = { message: 32 * 1024, stack: 16 * 1024 };
const INNER: Limits = { message: 4 * 1024, stack: 4 * 1024 };

/** What one `toStoredError` call may still keep. */
interface Room extends FieldRoom {
  errors: number;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'classNames']);

/**
 * Turns whatever was thrown into plain JSON data of bounded size. Never throws.
 *
 * Kept are name, message, the names of its classes, stack, code, up to 10 causes (cycles are cut), the `errors` of an AggregateError, and
 * the own enumerable fields that JSON can hold. A `code` that is a number stays one. Long messages and stacks are cut, and fields are left
 * out, before the whole passes some 64 Ki characters. What is larger than `maxBytes` loses its fields, then its stacks; an error of ours
 * its stacks first.
 *
 * @param maxBytes of its JSON as UTF-8
 */
export function toStoredError(thrown: unknown, maxBytes = Number.POSITIVE_INFINITY): StoredError {
  const stored = writeError(thrown, { characters: MAX_FIELD_CHARACTERS, errors: MAX_ERRORS }, OUTERMOST, []);
  if (fits(stored, maxBytes)) return stored;
  // Fields of ours are few and short, and some have a meaning: how long to wait, say.
  const stackless =
    redflowErrorCode(stored) === undefined ? undefined : { ...stored, ...withoutFields(stored, 0), stack: undefined };
  if (stackless && fits(stackless, maxBytes)) return stackless;
  const bare = withoutFields(stored, 1 + MAX_CAUSES);
  if (fits(bare, maxBytes)) return bare;
  const outermost = withoutFields(stored, 1);
  return fits(outermost, maxBytes, Number.POSITIVE_INFINITY) ? outermost : withoutFields(stored, 0);
}

function fits(stored: StoredError, maxBytes: number, maxCharacters = MAX_CHARACTERS): boolean {
  const json = JSON.stringify(stored);
  // No UTF-16 unit takes more than three bytes.
  return json.length <= maxCharacters && (json.length * 3 <= maxBytes || Buffer.byteLength(json) <= maxBytes);
}

/** What was thrown, as an Error: itself if it is one, else the error that would be read back for it. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : fromStoredError(toStoredError(thrown));
}

/** Name and message, for logs. */
export function describeError(thrown: unknown): string {
  const { name, message } = toStoredError(thrown);
  return `${name}: ${message}`;
}

/**
 * What logs get of it: name, message, code and stack, of its causes too. Fields are left out: there, clients of HTTP and of databases keep
 * headers and rows.
 */
export function errorForLog(thrown: unknown): Error {
  return fromStoredError(withoutFields(toStoredError(thrown), 1 + MAX_CAUSES));
}

function writeError(thrown: unknown, room: Room, limits: Limits, ancestors: readonly object[]): StoredError {
  room.errors--;
  if (typeof thrown !== 'object' || thrown === null) {
    const message = typeof thrown === 'string' ? thrown : `Thrown: ${describeValue(thrown)}`;
    return { name: 'Error', message: truncate(message, limits.message) };
  }
  try {
    return writeObject(thrown, room, limits, [...ancestors, thrown]);
  } catch {
    return { name: 'Error', message: 'Thrown: an object that cannot be read' }; // a hostile proxy
  }
}

function writeObject(thrown: object, room: Room, limits: Limits, chain: readonly object[]): StoredError {
  const writeInner = (inner: unknown): StoredError | undefined =>
    room.errors <= 0 || chain.length > MAX_CAUSES || chain.includes(inner as object)
      ? undefined
      : writeError(inner, room, INNER, chain);

  const fields = copyJsonFields(thrown, KNOWN_FIELDS, room, { matches: isErrorLike, write: writeInner });
  const stored: StoredError = { ...head(thrown, fields, limits), ...fields };
  const code = readSafely(thrown, 'code');
  if (typeof code === 'string') stored.code = truncate(code, MAX_NAME_CHARACTERS);
  const errors = aggregatedErrors(thrown)?.map(writeInner);
  if (errors !== undefined) stored.errors = errors.filter((error) => error !== undefined);
  const cause = readSafely(thrown, 'cause') ?? undefined;
  const storedCause = cause === undefined ? undefined : writeInner(cause);
  if (storedCause !== undefined) stored.cause = storedCause;
  const classNames = classNamesOf(thrown);
  if (!areSame(classNames, impliedClassNames(stored))) stored.classNames = classNames;
  return stored;
}

/** Name, message and stack; an object without a message is shown by its fields. */
function head(thrown: object, fields: object, limits: Limits): StoredError {
  const name = readSafely(thrown, 'name');
  const message = readSafely(thrown, 'message');
  const stack = readSafely(thrown, 'stack');
  const known = {
    name: typeof name === 'string' && name !== '' ? truncate(name, MAX_NAME_CHARACTERS) : 'Error',
    message: truncate(typeof message === 'string' ? message : `Thrown: ${JSON.stringify(fields)}`, limits.message),
  };
  // A stack without a frame is what one is rebuilt with that has none.
  const hasStack = typeof stack === 'string' && stack !== firstLine(known);
  return hasStack ? { ...known, stack: truncate(stack, limits.stack) } : known;
}

/** An AggregateError's own `errors` are not enumerable; an enumerable field of that name is just a field. */
function aggregatedErrors(thrown: object): readonly unknown[] | undefined {
  const property = Object.getOwnPropertyDescriptor(thrown, 'errors');
  return property !== undefined && !property.enumerable && Array.isArray(property.value) ? property.value : undefined;
}

/** Also for errors of another realm, which `instanceof` misses. */
function isErrorLike(value: object): boolean {
  return (
    value instanceof Error || (typeof readSafely(value, 'message') === 'string' && typeof readSafely(value, 'stack') === 'string')
  );
}

/**
 * The known fields alone.
 * @param stacks of how many errors the stack is kept, from the outermost
 */
function withoutFields({ name, message, classNames, stack, code, cause }: StoredError, stacks: number): StoredError {
  return {
    name,
    message,
    ...(classNames !== undefined && { classNames }),
    ...(stacks > 0 && stack !== undefined && { stack }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(cause !== undefined && { cause: withoutFields(cause, stacks - 1) }),
  };
}

/** Cuts text without leaving half of a surrogate pair, which is not valid UTF-8. */
function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\uD800-\uDBFF]/.test(text[max - 2]) ? max - 2 : max - 1;
  return `${text.slice(0, end)}…`;
}
