import { redflowErrorCode, redflowErrorPrototype } from './errors/error-codes.js';
import { define } from './json-fields.js';
import type { StoredError } from './run.types.js';

const BUILT_IN: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/**
 * Rebuilds an error from what `toStoredError` kept: same name, message, stack, code, fields and causes.
 *
 * It is an `instanceof` the class of this library, or the built-in one, that it was; classes of others become `Error`.
 */
export function fromStoredError(stored: StoredError): Error {
  const error = build(stored);
  const code = redflowErrorCode(stored);
  if (code !== undefined) Object.setPrototypeOf(error, redflowErrorPrototype(code));
  hide(error, 'name', stored.name);
  hide(error, 'stack', stored.stack ?? `${stored.name}: ${stored.message}`);
  if (isStored(stored.cause)) hide(error, 'cause', fromStoredError(stored.cause));
  for (const key of Object.keys(stored)) {
    if (!KNOWN_FIELDS.has(key)) define(error, key, stored[key]);
  }
  return error;
}

function build({ name, message, errors }: StoredError): Error {
  if (name === 'AggregateError' && Array.isArray(errors)) return new AggregateError(errors.map(rebuildItem), message);
  const error = Object.hasOwn(BUILT_IN, name) ? new BUILT_IN[name](message) : new Error(message);
  if (errors !== undefined) define(error, 'errors', Array.isArray(errors) ? errors.map(rebuildItem) : errors);
  return error;
}

function rebuildItem(item: unknown): unknown {
  return isStored(item) ? fromStoredError(item) : item;
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
