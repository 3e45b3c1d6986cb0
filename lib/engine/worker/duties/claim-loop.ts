import { FaultLog, pauseAfter } from '../../core/async/fault-log.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { type Claim, type ClaimRequest, claimRuns, type HandedOut } from '../../redis/runs/claim-runs.js';
import { promoteDue } from '../../redis/runs/promote-due.js';
import type { Op } from '../../redis/script/op.js';
import type { WorkerContext } from '../worker-context.js';

/** What claims ask their worker, and tell it. */
export interface ClaimCallbacks {
  freeSlots(): number;
  /** Groups of the suspects that the worker has in hand. */
  suspectGroups(): readonly number[];
  claimed(claim: HandedOut): void;
  /** Redis does not know the worker any more. */
  leaseLost(): void;
}

/** One claim at a time; the answer to a repeated one is known by its lane and sequence. */
interface Lane {
  readonly index: number;
  sequence: number;
  /** Slots asked for by the claim that is not answered yet. */
  asking: number;
  /** The claim that was refused: it may have run all the same, so it is asked again, under its number. */
  refused: Op<Claim> | undefined;
  /** Something may have come since the claim left. */
  nudged: boolean;
}

const PROMOTE_BATCH = 100;
const PROMOTE_AGAIN_AFTER_MS = 1_000;
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
  private failures = 0;
  /** Set while claims rest because the last one was refused. */
  private retryTimer: LongTimer | undefined;
  private readonly faults: FaultLog;
  private readonly promotions: FaultLog;

  constructor(
    private readonly context: Pick<WorkerContext, 'workerId' | 'options' | 'buffer' | 'warn'>,
    private readonly callbacks: ClaimCallbacks,
  ) {
    const { concurrency } = context.options;
    const count = Math.max(1, Math.min(MOST_LANES, Math.floor(concurrency / SLOTS_PER_LANE)));
    this.share = Math.ceil(concurrency / count);
    this.lanes = Array.from({ length: count }, (_, index) => ({
      index,
      sequence: 0,
      asking: 0,
      refused: undefined,
      nudged: false,
    }));
    this.faults = new FaultLog('Claiming runs', context.warn);
    this.promotions = new FaultLog('Queueing due runs', context.warn);
  }

  /** By lane: the number of the last claim whose answer was read. */
  readNumbers(): number[] {
    return this.lanes.map(({ sequence, asking }) => (asking > 0 ? sequence - 1 : sequence));
  }

  /** There may be work. */
  nudge(): void {
    if (this.stopped) return;
    this.wanted = true;
    for (const lane of this.lanes) lane.nudged = true;
    this.context.buffer.kick();
  }

  stop(): void {
    this.stopped = true;
    this.dueTimer?.cancel();
    this.retryTimer?.cancel();
  }

  /** Called before every call to Redis: adds a claim to it when there are free slots. */
  readonly rideAlong = (): void => {
    if (this.stopped || !this.wanted || this.retryTimer) return;
    const lane = this.lanes.find(({ asking }) => asking === 0);
    if (!lane) return;
    const free = this.unaskedSlots();
    const want = Math.min(free, this.share);
    // A share that is only just becoming free is not worth a call while others are out.
    if (want > 0 && (want >= this.share / 2 || this.lanes.every(({ asking }) => asking === 0)))
      this.claim(lane, want, free > want);
  };

  private unaskedSlots(): number {
    return this.lanes.reduce((free, { asking }) => free - asking, this.callbacks.freeSlots());
  }

  private claim(lane: Lane, want: number, hasSpareSlots: boolean): void {
    lane.asking = want;
    lane.nudged = false;
    lane.sequence++;
    const claim = claimRuns({
      workerId: this.context.workerId,
      lane: lane.index,
      sequence: lane.sequence,
      want,
      hasSpareSlots,
      suspects: this.suspects(lane),
      queues: this.queuesInTurn(),
    });
    this.send(lane, claim);
  }

  private send(lane: Lane, claim: Op<Claim>): void {
    lane.refused = undefined;
    this.context.buffer.send(
      claim,
      (answer) => this.answered(lane, answer),
      (error) => this.refused(lane, claim, error),
    );
  }

  /** One lane alone asks for suspects: two claims in flight would exceed their group. */
  private suspects(lane: Lane): ClaimRequest['suspects'] {
    const groups = this.callbacks.suspectGroups();
    const most = lane.index === 0 ? Math.min(MOST_SUSPECTS, ...groups) - groups.length : 0;
    return { most: Math.max(0, most), held: groups.length, aloneFrom: this.context.options.maxRecoveries - ALONE_FOR };
  }

  private answered(lane: Lane, claim: Claim): void {
    const { asking } = lane;
    lane.asking = 0;
    this.recovered();
    if (claim.status === 'LOST') {
      // Until the worker has a lease again, and is nudged.
      this.wanted = false;
      this.callbacks.leaseLost();
      return;
    }
    // An unfilled claim has registered the worker as idle: it is woken when a run comes.
    if (claim.runs.length + claim.unreadable.length === asking) this.wanted = true;
    else if (!lane.nudged) this.wanted = false;
    this.scheduleDue(claim.nextDueMs);
    this.callbacks.claimed(claim);
    if (this.wanted && this.callbacks.freeSlots() > 0) this.context.buffer.kick();
  }

  /** Its slots stay taken: the answer to come may fill them. */
  private refused(lane: Lane, claim: Op<Claim>, error: unknown): void {
    lane.refused = claim;
    this.rest(error);
  }

  private recovered(): void {
    this.failures = 0;
    this.faults.succeeded();
  }

  private rest(error: unknown): void {
    this.faults.failed(error);
    if (this.stopped || this.retryTimer) return;
    this.failures++;
    this.retryTimer = new LongTimer(pauseAfter(this.failures), () => this.retry());
  }

  private retry(): void {
    this.retryTimer = undefined;
    for (const lane of this.lanes) if (lane.refused) this.send(lane, lane.refused);
    this.due();
  }

  private scheduleDue(delayMs: number | undefined): void {
    this.dueTimer?.cancel();
    if (delayMs === undefined || this.stopped) return;
    this.dueTimer = new LongTimer(delayMs, () => this.due());
  }

  /** A worker without a free slot does not claim, so it moves due runs to their queues for others. */
  private due(): void {
    if (this.callbacks.freeSlots() > 0) {
      this.nudge();
      return;
    }
    this.context.buffer.send(
      promoteDue(PROMOTE_BATCH),
      (nextDueMs) => {
        this.promotions.succeeded();
        this.scheduleDue(nextDueMs);
      },
      (error) => {
        this.promotions.failed(error);
        this.scheduleDue(PROMOTE_AGAIN_AFTER_MS);
      },
    );
  }

  /** Every queue comes first in its turn, so that a full one does not starve the others. */
  private queuesInTurn(): readonly string[] {
    const { queues } = this.context.options;
    if (queues.length === 1) return queues;
    this.firstQueue = (this.firstQueue + 1) % queues.length;
    return [...queues.slice(this.firstQueue), ...queues.slice(0, this.firstQueue)];
  }
}
