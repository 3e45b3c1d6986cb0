import type { RunRecord } from '../../core/api/run.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { pageFields, type RunPageRequest, type RunReply, sealedInRuns, toRecord } from './list-runs.js';

/** Where a search goes on: kind of match, and what of it was seen last. */
export interface SearchPlace {
  /** `i` id, `k` idempotency key, `t` tag value, `w` workflow. */
  readonly kind: string;
  /** A member of the kind's index, for `w` a creation stamp. */
  readonly after: string;
}

export interface SearchRequest extends Omit<RunPageRequest, 'cursor'> {
  readonly text: string;
  readonly place?: SearchPlace;
}

export interface FoundRuns {
  readonly items: RunRecord[];
  readonly next?: SearchPlace;
}

type SearchReply = [string, string, ...RunReply[]];

const SEARCH_RUNS = defineOperation({
  name: 'search_runs',
  args: [
    'text',
    'kind',
    'after',
    'sort',
    'limit',
    'scan',
    'statuses',
    'workflow',
    'queue',
    'created_after',
    'created_before',
    'parent',
    '...tags',
  ],
  sealed: (reply) => sealedInRuns((reply as SearchReply).slice(2) as RunReply[]),
  reply: (reply): FoundRuns => {
    const [kind, after, ...runs] = reply as SearchReply;
    const items = runs.map(toRecord);
    return kind === '' ? { items } : { items, next: { kind, after } };
  },
});

export function searchRuns({ text, place, ...page }: SearchRequest): Op<FoundRuns> {
  return SEARCH_RUNS({ text, kind: place?.kind, ...pageFields({ ...page, cursor: place?.after }) });
}
