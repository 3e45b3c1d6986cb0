import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError } from '../../core/errors/index.js';

/** @throws InvalidOptionError */
export function checkSort(sort: unknown): void {
  if (sort !== 'asc' && sort !== 'desc') {
    throw new InvalidOptionError('sort', `Expected \`sort\` to be 'asc' or 'desc'; got '${sort}'`);
  }
}

/** @throws InvalidOptionError */
export function checkCursor(cursor: unknown): void {
  if (cursor === undefined || (typeof cursor === 'string' && /^\d+$/.test(cursor))) return;
  throw new InvalidOptionError('cursor', 'Expected `cursor` to be the one that the page before came with');
}

/** @throws InvalidOptionError */
export function checkTime(time: unknown, option: string): void {
  if (Number.isSafeInteger(time) && (time as number) >= 0) return;
  throw new InvalidOptionError(option, `Expected \`${option}\` to be whole epoch milliseconds; got ${describeValue(time)}`);
}
