import type { RunStatus } from '../../core/api/run.types.js';
import { STATUS_CODES } from '../stored-names.js';

/** `waiting` is stored as `w` for waits, which others can end, and as `b` for a backoff. */
const STATUS_OF_CODE = Object.fromEntries(
  Object.entries(STATUS_CODES).map(([name, code]) => [code, name === 'backingOff' ? 'waiting' : name]),
) as Readonly<Record<string, RunStatus>>;

export const RUN_STATUSES: readonly RunStatus[] = [...new Set(Object.values(STATUS_OF_CODE))];

export function statusOf(code: string): RunStatus {
  return STATUS_OF_CODE[code] as RunStatus;
}

/** All the letters of a status. */
export function codesOfStatus(status: RunStatus): string {
  return Object.keys(STATUS_OF_CODE)
    .filter((code) => STATUS_OF_CODE[code] === status)
    .join('');
}
