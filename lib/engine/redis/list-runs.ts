import type { Page } from '../core/client.types.js';
import type { RunRecord, RunStatus } from '../core/run.types.js';
import { codesOfStatus } from './keyspace.js';
import type { Op } from './op.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from './stored-run.js';

/** Which runs are wanted. */
export interface RunCriteria {
  readonly statuses: readonly RunStatus[];
  readonly workflow?: string;
  readonly queue?: string;
  /** Epoch ms, both ends included. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly parentRunId?: string;
  /** All of them. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface RunPageRequest extends RunCriteria {
  readonly cursor?: string;
  readonly sort: 'asc' | 'desc';
  readonly limit: number;
}

/** Runs that one call looks at; where the filter matches few, a page is shorter than asked and has a cursor all the same. */
const RUNS_PER_SCAN = 1000;

type RunReply = [string, string[], PayloadsReply];

export function listRuns(request: RunPageRequest): Op<Page<RunRecord>> {
  return {
    name: 'list_runs',
    args: pageArgs(request),
    sealed: (reply) => runsOf(reply).flatMap(([id, , payloads]) => sealedInRun(id, payloads)),
    parse: (reply) => {
      const [cursor] = reply as [string];
      const items = runsOf(reply).map(([id, fields, payloads]) => toRunRecord(id, fieldsOfHash(fields), payloads));
      return cursor === '' ? { items } : { items, cursor };
    },
  };
}

/** A page as the scripts take it. */
export function pageArgs(request: RunPageRequest): Array<string | number> {
  return [
    request.cursor ?? '',
    request.sort,
    request.limit,
    RUNS_PER_SCAN,
    request.statuses.map(codesOfStatus).join(''),
    request.workflow ?? '',
    request.queue ?? '',
    request.createdAfter ?? '',
    request.createdBefore ?? '',
    request.parentRunId ?? '',
    ...Object.entries(request.tags ?? {}).flat(),
  ];
}

function runsOf(reply: unknown): RunReply[] {
  return (reply as [string, ...RunReply[]]).slice(1) as RunReply[];
}
