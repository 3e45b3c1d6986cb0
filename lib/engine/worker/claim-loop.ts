import { LongTimer } from '../core/long-timer.js';
import { type Claim, type ClaimedRun, type ClaimRequest, claimRuns } from '../redis/claim-runs.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { promoteDue } from '../redis/promote-due.js';

export interface ClaimHost {
  readonly workerId: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly buffer: CommitBuffer;
  freeSlots(): number;
  /** Groups of the suspects that the worker has in hand. */
  suspectGroups(): readonly number[];
  readonly maxRecoveries: number;
  claimed(runs: ClaimedRun[], now: number): void;
  /** Redis does not know the worker any more. */
  replaceLease(): void;
  warn(message: string): void;
}

/** One claim at a time; the answer to a repeated one is known by its lane and sequence. */
interface Lane {
  readonly index: number;
  sequence: number;
  /** Slots asked for by the claim in flight. */
  asking: number;
  /** Something may have come since the claim left. */
  nudged: boolean;
}

const PROMOTE_BATCH = 100;
const RETRY_AFTER_MS = 1_000;
/** Slots that are worth a lane of their own: with two or three lanes in turn, Node and Redis work at the same time. */
const SLOTS_PER_LANE = 8;
const MOST_LANES = 3;
/** Suspects that are executed together at most. */
const MOST_SUSPECTS = 16;
/** The last recoveries before the limit are those of the run itself, not of its neighbours. */
const ALONE_FOR = 3;

/**
 * Decides when the worker asks for runs. Claims ride on calls that leave anyway; an idle worker asks when it is woken, when the next
 * parked run is due, and after every block.
 */
export class ClaimLoop {
  private readonly lanes: Lane[];
  private readonly share: number;
  private wanted = false;
  private stopped = false;
  private firstQueue = 0;
  private dueTimer: LongTimer | undefined;

  constructor(private readonly host: ClaimHost) {
    const count = Math.max(1, Math.min(MOST_LANES, Math.floor(host.concurrency / SLOTS_PER_LANE)));
    this.share = Math.ceil(host.concurrency / count);
    this.lanes = Array.from({ length: count }, (_, index) => ({ index, sequence: 0, asking: 0, nudged: false }));
  }

  /** There may be work. */
  nudge(): void {
    if (this.stopped) return;
    this.wanted = true;
    for (const lane of this.lanes) lane.nudged = true;
    this.host.buffer.kick();
  }

  stop(): void {
    this.stopped = true;
    this.dueTimer?.cancel();
  }

  /** Called before every call to Redis: adds a claim to it when there are free slots. */
  readonly rideAlong = (): void => {
    if (this.stopped || !this.wanted) return;
    const lane = this.lanes.find(({ asking }) => asking === 0);
    if (!lane) return;
    const free = this.unaskedSlots();
    const want = Math.min(free, this.share);
    // A share that is only just becoming free is not worth a call while others are out.
    if (want > 0 && (want >= this.share / 2 || this.lanes.every(({ asking }) => asking === 0)))
      this.claim(lane, want, free > want);
  };

  private unaskedSlots(): number {
    return this.lanes.reduce((free, { asking }) => free - asking, this.host.freeSlots());
  }

  private claim(lane: Lane, want: number, hasSpareSlots: boolean): void {
    lane.asking = want;
    lane.nudged = false;
    lane.sequence++;
    const claim = claimRuns({
      workerId: this.host.workerId,
      lane: lane.index,
      sequence: lane.sequence,
      want,
      hasSpareSlots,
      suspects: this.suspects(lane),
      queues: this.queuesInTurn(),
    });
    this.host.buffer.send(
      claim,
      (answer) => this.answered(lane, answer),
      (error) => this.failed(lane, error),
    );
  }

  /** One lane alone asks for suspects: two claims in flight would exceed their group. */
  private suspects(lane: Lane): ClaimRequest['suspects'] {
    const groups = this.host.suspectGroups();
    const most = lane.index === 0 ? Math.min(MOST_SUSPECTS, ...groups) - groups.length : 0;
    return { most: Math.max(0, most), held: groups.length, aloneFrom: this.host.maxRecoveries - ALONE_FOR };
  }

  private answered(lane: Lane, claim: Claim): void {
    const { asking } = lane;
    lane.asking = 0;
    if (claim.status === 'LOST') {
      this.host.replaceLease();
      return;
    }
    // An unfilled claim has registered the worker as idle: it is woken when a run comes.
    if (claim.runs.length === asking) this.wanted = true;
    else if (!lane.nudged) this.wanted = false;
    this.scheduleDue(claim.nextDueMs);
    this.host.claimed(claim.runs, claim.now);
    if (this.wanted && this.host.freeSlots() > 0) this.host.buffer.kick();
  }

  private failed(lane: Lane | undefined, error: unknown): void {
    if (lane) lane.asking = 0;
    if (this.stopped) return;
    this.host.warn(`Claiming runs failed, trying again: ${(error as Error).message}`);
    this.scheduleDue(RETRY_AFTER_MS);
  }

  private scheduleDue(delayMs: number | undefined): void {
    this.dueTimer?.cancel();
    if (delayMs === undefined || this.stopped) return;
    this.dueTimer = new LongTimer(delayMs, () => this.due());
  }

  /** A worker without a free slot does not claim, so it moves due runs to their queues for others. */
  private due(): void {
    if (this.host.freeSlots() > 0) {
      this.nudge();
      return;
    }
    this.host.buffer.send(
      promoteDue(PROMOTE_BATCH),
      (nextDueMs) => this.scheduleDue(nextDueMs),
      (error) => this.failed(undefined, error),
    );
  }

  /** Every queue comes first in its turn, so that a full one does not starve the others. */
  private queuesInTurn(): readonly string[] {
    const { queues } = this.host;
    if (queues.length === 1) return queues;
    this.firstQueue = (this.firstQueue + 1) % queues.length;
    return [...queues.slice(this.firstQueue), ...queues.slice(0, this.firstQueue)];
  }
}
