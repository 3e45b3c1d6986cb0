import { describeValue } from '../checks/describe-value.js';
import type { ErrorClasses } from '../errors/error-classes.js';
import { PayloadTooLargeError, SerializationError } from '../errors/payload.errors.js';
import { fromStoredError, toStoredError } from './stored-error.js';

const MAX_PLAIN_DEPTH = 100;

/**
 * Writes a value as the JSON text that is stored; `undefined` is the empty text.
 *
 * Stricter than `JSON.stringify`, which would drop functions and symbols without a word; `toJSON()` is honoured.
 *
 * @param where what is stored, with its ids, for the messages: `output of step "charge" of run "r1"`
 * @param maxBytes largest size accepted, in UTF-8 bytes
 * @throws SerializationError for a BigInt, function, symbol or cycle anywhere in the value, and for one nested too deeply
 * @throws PayloadTooLargeError
 */
export function encodePayload(value: unknown, where: string | (() => string), maxBytes: number): string {
  if (value === undefined) return '';
  const json = isPlain(value) ? stringifyPlain(value, where) : stringifyChecked(value, textOf(where));
  // No UTF-16 unit takes more than three bytes, so that most payloads need not be measured.
  if (json.length * 3 > maxBytes) {
    const bytes = Buffer.byteLength(json);
    if (bytes > maxBytes) throw new PayloadTooLargeError({ what: textOf(where), bytes, maxBytes });
  }
  return json;
}

/** Writes whatever was thrown, within the limit of `toStoredError()`. */
export function encodeError(thrown: unknown, maxBytes?: number): string {
  return JSON.stringify(toStoredError(thrown, maxBytes));
}

/** Reads what {@link encodeError} wrote. */
export function decodeError(stored: string, classes: ErrorClasses): Error {
  return fromStoredError(JSON.parse(stored), classes);
}

/** Reads what {@link encodePayload} wrote. */
export function decodePayload(stored: string): unknown {
  return stored === '' ? undefined : JSON.parse(stored);
}

/** Values that are the same after the JSON round trip. Minus zero is not. */
export function isUnchanged(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (Number.isInteger(value) && value !== 0);
}

/** On the hot path the text is only made when something is wrong. */
function textOf(where: string | (() => string)): string {
  return typeof where === 'string' ? where : where();
}

/** A look ahead that is cheaper than a replacer: false means "check closely", not "refuse". */
function isPlain(value: unknown): boolean {
  try {
    return isPlainWithin(value, MAX_PLAIN_DEPTH);
  } catch {
    return false; // a getter threw; the close look reports it
  }
}

function isPlainWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'bigint' && typeof value !== 'symbol';
  if (value === null) return true;
  if (depth === 0) return false;
  const { toJSON } = value as { toJSON?: unknown };
  if (toJSON !== undefined) return toJSON === Date.prototype.toJSON;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (!isPlainWithin(value[index], depth - 1)) return false;
    }
    return true;
  }
  for (const key in value) {
    if (!isPlainWithin((value as Record<string, unknown>)[key], depth - 1)) return false;
  }
  return true;
}

function stringifyPlain(value: unknown, where: string | (() => string)): string {
  try {
    return JSON.stringify(value);
  } catch {
    return stringifyChecked(value, textOf(where)); // a boxed BigInt, or something that changes while it is read
  }
}

/** `JSON.stringify` with a look at every value, which also knows the path to it. */
function stringifyChecked(value: unknown, where: string): string {
  const holders: object[] = [];
  const keys: string[] = [];
  function check(this: object, key: string, item: unknown): unknown {
    while (holders.length > 0 && holders[holders.length - 1] !== this) {
      holders.pop();
      keys.pop();
    }
    const problem = problemOf(item, holders);
    if (problem !== undefined) throw new SerializationError({ where, path: [...keys.slice(1), key].join('.'), problem });
    if (typeof item === 'object' && item !== null) {
      holders.push(item);
      keys.push(key);
    }
    return item;
  }
  try {
    // undefined when toJSON() says so
    const json: string | undefined = JSON.stringify(value, check);
    return json ?? '';
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    const problem = isEngineLimit(error) ? 'is nested too deeply or too long' : `threw while it was read: ${messageOf(error)}`;
    throw new SerializationError({ where, path: '', problem }, { cause: error });
  }
}

function problemOf(item: unknown, holders: readonly object[]): string | undefined {
  switch (typeof item) {
    case 'bigint':
      return 'is a BigInt';
    case 'function':
      return 'is a function';
    case 'symbol':
      return 'is a symbol';
    case 'object':
      if (item === null) return undefined;
      if (holders.includes(item)) return 'refers back to an object that contains it';
      return item instanceof BigInt ? 'is a BigInt' : undefined;
    default:
      return undefined;
  }
}

/** Not every RangeError is one: an invalid Date in a getter throws it too. */
function isEngineLimit(error: unknown): boolean {
  return error instanceof RangeError && /call stack|string length/i.test(error.message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error);
}
