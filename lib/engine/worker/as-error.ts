import { fromStoredError, toStoredError } from '../core/stored-error.js';

/** Anything may be thrown; policies get an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : fromStoredError(toStoredError(thrown));
}
