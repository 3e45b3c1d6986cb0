import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { parseRunData, type RunData } from '../steps/stored-step.js';
import { fieldsOfHash, type StoredRun, toStoredRun } from './stored-run.js';

export interface ClaimRequest {
  readonly workerId: string;
  /** Grows with every claim; the answer to a repeated one is repeated. */
  readonly sequence: number;
  /** Claims of different lanes may be in flight at the same time. */
  readonly lane: number;
  readonly want: number;
  /** Whether the worker has free slots besides those it asks for. */
  readonly hasSpareSlots: boolean;
  /** How many runs that crashed several workers may be among them, how many of those the worker has, and from how many recoveries in a row one is executed alone. */
  readonly suspects: { readonly most: number; readonly held: number; readonly aloneFrom: number };
  readonly queues: readonly string[];
}

export interface ClaimedRun {
  readonly run: StoredRun;
  readonly fence: string;
  /** Runs that crashed several workers of which this is one may be executed together, up to so many; 0 for any other run. */
  readonly suspectGroup: number;
  /** Where it was in its queue. */
  readonly position: string;
  /** Before this claim. */
  readonly hasBegun: boolean;
  /** Undefined when the payloads are too much for one answer and must be read in pages. */
  readonly data?: RunData;
}

/** A run that was handed out and that this version of the package cannot make sense of. */
export interface UnreadableRun {
  readonly id: string;
  readonly fence: string;
  readonly error: Error;
}

export interface HandedOut {
  readonly status: 'OK';
  /** Redis time of the claim. */
  readonly now: number;
  /** Milliseconds to the next parked run, undefined for none. */
  readonly nextDueMs?: number;
  readonly runs: ClaimedRun[];
  readonly unreadable: UnreadableRun[];
}

export type Claim = { readonly status: 'LOST' } | HandedOut;

type RunReply = [id: string, fence: string, suspect: number, fields: string, data: string[] | 0, position: string, began: number];

const CLAIM_RUNS = defineOperation({
  name: 'claim_runs',
  args: ['worker', 'lane', 'seq', 'want', 'spare', 'suspects', 'held', 'alone', '...queues'],
  reply: (reply): Claim => {
    const [status, now, nextDue, ...runs] = reply as [Claim['status'], number, number, ...RunReply[]];
    if (status === 'LOST') return { status };
    return { status, now, nextDueMs: nextDue < 0 ? undefined : nextDue, ...readRuns(runs, now) };
  },
});

export function claimRuns(request: ClaimRequest): Op<Claim> {
  return CLAIM_RUNS({
    worker: request.workerId,
    lane: request.lane,
    seq: request.sequence,
    want: request.want,
    spare: request.hasSpareSlots,
    suspects: request.suspects.most,
    held: request.suspects.held,
    alone: request.suspects.aloneFrom,
    queues: request.queues,
  });
}

/** One that cannot be read must not keep the others, which the worker owns as well, from it. */
function readRuns(replies: readonly RunReply[], now: number): Pick<HandedOut, 'runs' | 'unreadable'> {
  const runs: ClaimedRun[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const reply of replies) {
    try {
      runs.push(toClaimedRun(reply, now));
    } catch (error) {
      unreadable.push({ id: reply[0], fence: reply[1], error: error as Error });
    }
  }
  return { runs, unreadable };
}

function toClaimedRun([id, fence, suspectGroup, json, data, position, began]: RunReply, now: number): ClaimedRun {
  const fields = fieldsOfHash(JSON.parse(json) as string[]);
  // The first claim is the start.
  fields.startedAt ??= String(now);
  return {
    run: toStoredRun(id, fields),
    fence,
    suspectGroup,
    position,
    hasBegun: began === 1,
    data: data === 0 ? undefined : parseRunData(data),
  };
}
