import { monotonicFactory } from 'ulid';

// Module state on purpose: ids are ordered within a process only if all of it draws them from one factory.
const nextUlid = monotonicFactory();

/** A new id of 26 characters (ULID): ids made later sort later within a process, and by millisecond across processes. */
export function newId(): string {
  return nextUlid();
}
