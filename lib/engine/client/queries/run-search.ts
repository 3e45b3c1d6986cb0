import type { Page, RunSearchQuery } from '../../core/api/client.types.js';
import type { RunRecord } from '../../core/api/run.types.js';
import { canBeSearchText, checkPositiveInteger, rejectUnknownKeys } from '../../core/checks/checks.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { type SearchPlace, searchRuns } from '../../redis/queries/search-runs.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { checkSort } from './page-checks.js';
import { PAGE_KEYS, RUN_CRITERIA, resolveCriteria } from './run-criteria.js';

/** Finds runs by what a text of theirs begins with. */
export class RunSearch {
  constructor(private readonly buffer: WriteBuffer) {}

  /** @throws InvalidOptionError */
  async search(query: RunSearchQuery): Promise<Page<RunRecord>> {
    rejectUnknownKeys(query, ['text', ...RUN_CRITERIA, ...PAGE_KEYS], 'searchRuns()');
    const { text, sort = 'desc', limit = 50, cursor } = query ?? {};
    const canMatch = canBeSearchText(text);
    checkSort(sort);
    checkPositiveInteger(limit, 'limit', { max: 1_000 });
    const place = cursor === undefined ? undefined : placeOf(cursor, text);
    const criteria = resolveCriteria(query);
    if (!criteria || !canMatch) return { items: [] };
    const { items, next } = await this.buffer.add(searchRuns({ ...criteria, text, place, sort, limit }));
    return next ? { items, cursor: cursorOf(next) } : { items };
  }
}

function cursorOf({ kind, after }: SearchPlace): string {
  return Buffer.from(kind + after).toString('base64url');
}

function placeOf(cursor: unknown, text: string): SearchPlace {
  const decoded = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : '';
  const place = { kind: decoded.slice(0, 1), after: decoded.slice(1) };
  const isOfIndex = /^[ikt]$/.test(place.kind) && place.after.startsWith(text);
  const isOfWorkflow = place.kind === 'w' && /^\d+$/.test(place.after);
  if ((isOfIndex || isOfWorkflow) && cursorOf(place) === cursor) return place;
  throw new InvalidOptionError('cursor', 'Expected `cursor` to be the one that the page before of the same text came with');
}
