import type { Page } from '../../core/api/client.types.js';
import type { RunRecord, RunStatus } from '../../core/api/run.types.js';
import type { SealedText } from '../../core/payload/sealer.js';
import { codesOfStatus } from '../runs/run-status.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from '../runs/stored-run.js';
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

export function listRuns(request: RunPageRequest): Op<Page<RunRecord>> {
  return {
    name: 'list_runs',
    args: pageArgs(request),
    sealed: (reply) => sealedInRuns((reply as PageReply).slice(1) as RunReply[]),
    parse: (reply) => {
      const [cursor, ...runs] = reply as PageReply;
      const items = runs.map(toRecord);
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

export function sealedInRuns(runs: readonly RunReply[]): SealedText[] {
  return runs.flatMap(([id, , payloads]) => sealedInRun(id, payloads));
}

export function toRecord([id, fields, payloads]: RunReply): RunRecord {
  return toRunRecord(id, fieldsOfHash(fields), payloads);
}
