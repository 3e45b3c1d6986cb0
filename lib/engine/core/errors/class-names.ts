import type { ErrorClass } from '../api/values.types.js';
import { readSafely } from '../checks/read-safely.js';
import { redflowErrorCode, redflowErrorPrototype } from './error-codes.js';
import { RedflowError } from './redflow.error.js';

const MAX_NAMES = 10;
const MAX_CHARACTERS = 256;
const ROOT = 'Error';

/** On a rebuilt error whose class is not known here, for all copies of the package: stored again, it keeps what it was. */
const REMEMBERED = Symbol.for('nestjs-redflow:class-names');

/**
 * The name of a thrown object's class (`constructor.name`), then those of the classes that it extends; the last is left out if it is `Error`.
 * Getters are not called, and own fields named `constructor` do not count.
 */
export function classNamesOf(thrown: object): string[] {
  const remembered: unknown = Reflect.get(thrown, REMEMBERED);
  if (isNames(remembered)) return [...remembered];
  const names: string[] = [];
  for (const name of classNamesFrom(Reflect.getPrototypeOf(thrown))) if (names.push(name) === MAX_NAMES) break;
  if (names.length === 0) return [ROOT];
  return names.length > 1 && names.at(-1) === ROOT ? names.slice(0, -1) : names;
}

/** Whether a class is one of errors. Not by `instanceof`: an `Error` of another realm is one. */
export function isErrorClass(type: unknown): type is ErrorClass {
  if (typeof type !== 'function' || typeof type.prototype !== 'object') return false;
  return [...classNamesFrom(type.prototype)].includes(ROOT);
}

/** Names of classes as they were stored, or undefined. */
export function storedClassNames(stored: unknown): string[] | undefined {
  return isNames(stored) ? [...stored] : undefined;
}

/** The class names of a stored error without any: that of an error whose name is its class's, or one stored before they were. */
export function impliedClassNames({ name, code }: { name: string; code?: unknown }): string[] {
  const known = redflowErrorCode({ name, code });
  if (known === undefined) return [name];
  const own = redflowErrorPrototype(known).constructor.name;
  return name === own ? [own, RedflowError.name] : [name, own, RedflowError.name];
}

export function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

/** Lets {@link classNamesOf} answer what the error was, rather than what it could be rebuilt as. */
export function rememberClassNames(error: Error, names: readonly string[]): void {
  Object.defineProperty(error, REMEMBERED, { value: names, configurable: true, enumerable: false, writable: true });
}

function* classNamesFrom(start: object | null): Generator<string> {
  for (let prototype = start, next: object | null; prototype !== null; prototype = next) {
    next = Reflect.getPrototypeOf(prototype);
    // The last one is that of all objects, of whatever realm.
    const name = next === null ? undefined : nameOfClass(prototype);
    if (name !== undefined) yield name;
  }
}

function nameOfClass(prototype: object): string | undefined {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  const name = typeof type === 'function' ? readSafely(type, 'name') : undefined;
  return typeof name === 'string' && name !== '' ? name.slice(0, MAX_CHARACTERS) : undefined;
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}
