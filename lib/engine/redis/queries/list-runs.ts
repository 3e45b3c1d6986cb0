import type { Page } from '../../core/api/client.types.js';
import type { RunRecord, RunStatus } from '../../core/api/run.types.js';
import type { SealedText } from '../../core/payload/sealer.js';
import { codesOfStatus } from '../runs/run-status.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from '../runs/stored-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

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

/** A run as the scripts answer it: id, fields, payloads. */
export type RunReply = [string, string[], PayloadsReply];
type PageReply = [string, ...RunReply[]];

const LIST_RUNS = defineOperation({
  name: 'list_runs',
  args: [
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
  sealed: (reply) => sealedInRuns((reply as PageReply).slice(1) as RunReply[]),
  reply: (reply): Page<RunRecord> => {
    const [cursor, ...runs] = reply as PageReply;
    const items = runs.map(toRecord);
    return cursor === '' ? { items } : { items, cursor };
  },
});

export function listRuns(request: RunPageRequest): Op<Page<RunRecord>> {
  return LIST_RUNS(pageFields(request));
}

/** A page as the scripts take it. */
export function pageFields(request: RunPageRequest) {
  return {
    after: request.cursor,
    sort: request.sort,
    limit: request.limit,
    scan: RUNS_PER_SCAN,
    statuses: request.statuses.map(codesOfStatus).join(''),
    workflow: request.workflow,
    queue: request.queue,
    created_after: request.createdAfter,
    created_before: request.createdBefore,
    parent: request.parentRunId,
    tags: Object.entries(request.tags ?? {}).flat(),
  };
}

export function sealedInRuns(runs: readonly RunReply[]): SealedText[] {
  return runs.flatMap(([id, , payloads]) => sealedInRun(id, payloads));
}

export function toRecord([id, fields, payloads]: RunReply): RunRecord {
  return toRunRecord(id, fieldsOfHash(fields), payloads);
}
