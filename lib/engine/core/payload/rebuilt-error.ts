import type { StoredError } from '../api/run.types.js';
import { areSame, classNamesOf, impliedClassNames, rememberClassNames, storedClassNames } from '../errors/class-names.js';
import { builtInNameIn, ErrorClasses } from '../errors/error-classes.js';
import { define } from './json-fields.js';

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors', 'classNames']);

/**
 * Rebuilds an error from what `toStoredError` kept: same name, message, stack, code, fields and causes.
 *
 * It is an `instanceof` the nearest of its classes that is listed, of this library or built in, by prototype and fields: no constructor of
 * a listed class is called.
 */
export function fromStoredError(stored: StoredError, classes: ErrorClasses = ErrorClasses.none): Error {
  const names = storedClassNames(stored.classNames) ?? impliedClassNames(stored);
  const rebuild = (item: unknown): unknown => (isStored(item) ? fromStoredError(item, classes) : item);
  const error = build(stored, builtInNameIn(names), rebuild);
  const prototype = classes.prototypeFor(names);
  if (prototype !== undefined && prototype !== Reflect.getPrototypeOf(error)) Object.setPrototypeOf(error, prototype);
  if (!areSame(classNamesOf(error), names)) rememberClassNames(error, names);
  hide(error, 'name', stored.name);
  hide(error, 'stack', stored.stack ?? firstLine(stored));
  if (isStored(stored.cause)) hide(error, 'cause', fromStoredError(stored.cause, classes));
  for (const key of Object.keys(stored)) {
    if (!KNOWN_FIELDS.has(key)) define(error, key, stored[key]);
  }
  return error;
}

/** The stack of an error without one. */
export function firstLine({ name, message }: Pick<StoredError, 'name' | 'message'>): string {
  return `${name}: ${message}`;
}

/** An instance of the built-in class, which may have more to it than a prototype. */
function build({ name, message, errors }: StoredError, builtIn: string | undefined, rebuild: (item: unknown) => unknown): Error {
  const items = Array.isArray(errors) ? errors.map(rebuild) : errors;
  if (builtIn === 'AggregateError') return new AggregateError(Array.isArray(items) ? items : [], message);
  const error = builtIn === 'DOMException' ? new DOMException(message, name) : new Error(message);
  if (items !== undefined) define(error, 'errors', items);
  return error;
}

function isStored(value: unknown): value is StoredError {
  if (typeof value !== 'object' || value === null) return false;
  const { name, message } = value as Partial<StoredError>;
  return typeof name === 'string' && typeof message === 'string';
}

/** Like an error's own message: there, but not among its enumerable fields. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable: false, writable: true });
}
