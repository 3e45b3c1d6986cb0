import { type Claim, type ClaimedRun, claimRuns } from '../redis/claim-runs.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { promoteDue } from '../redis/promote-due.js';
import { LongTimer } from './long-timer.js';

export interface ClaimHost {
  readonly workerId: string;
  readonly queues: readonly string[];
  readonly buffer: CommitBuffer;
  freeSlots(): number;
  holdsSuspect(): boolean;
  claimed(runs: ClaimedRun[], now: number): void;
  /** Redis does not know the worker any more. */
  replaceLease(): void;
  warn(message: string): void;
}

const PROMOTE_BATCH = 100;
const RETRY_AFTER_MS = 1_000;

/**
 * Decides when the worker asks for runs. A claim for all free slots rides on every call that leaves anyway; an idle worker asks when
 * it is woken, when the next parked run is due, and after every block.
 */
export class ClaimLoop {
  private sequence = 0;
  private asking = false;
  private wanted = false;
  private stopped = false;
  private firstQueue = 0;
  private dueTimer: LongTimer | undefined;

  constructor(private readonly host: ClaimHost) {}

  /** There may be work. */
  nudge(): void {
    if (this.stopped) return;
    this.wanted = true;
    this.host.buffer.kick();
  }

  stop(): void {
    this.stopped = true;
    this.dueTimer?.cancel();
  }

  /** Called before every call to Redis: adds a claim to it when there are free slots. */
  readonly rideAlong = (): void => {
    if (this.stopped || this.asking || !this.wanted) return;
    const want = this.host.freeSlots();
    if (want > 0) this.claim(want);
  };

  private claim(want: number): void {
    this.asking = true;
    this.wanted = false;
    this.sequence++;
    this.host.buffer
      .add(
        claimRuns({
          workerId: this.host.workerId,
          sequence: this.sequence,
          want,
          acceptSuspect: !this.host.holdsSuspect(),
          queues: this.queuesInTurn(),
        }),
      )
      .then(
        (claim) => this.answered(claim, want),
        (error) => this.failed(error),
      );
  }

  private answered(claim: Claim, want: number): void {
    this.asking = false;
    if (claim.status === 'LOST') {
      this.host.replaceLease();
      return;
    }
    // An unfilled claim has registered the worker as idle: it is woken when a run comes.
    if (claim.runs.length === want) this.wanted = true;
    this.scheduleDue(claim.nextDueMs);
    this.host.claimed(claim.runs, claim.now);
  }

  private failed(error: unknown): void {
    this.asking = false;
    if (this.stopped) return;
    this.host.warn(`Claiming runs failed, trying again: ${(error as Error).message}`);
    this.scheduleDue(RETRY_AFTER_MS);
  }

  private scheduleDue(delayMs: number | undefined): void {
    this.dueTimer?.cancel();
    if (delayMs === undefined || this.stopped) return;
    this.dueTimer = new LongTimer(delayMs, () => void this.due());
  }

  /** A worker without a free slot does not claim, so it moves due runs to their queues for others. */
  private async due(): Promise<void> {
    if (this.host.freeSlots() > 0) {
      this.nudge();
      return;
    }
    try {
      this.scheduleDue(await this.host.buffer.add(promoteDue(PROMOTE_BATCH)));
    } catch (error) {
      this.failed(error);
    }
  }

  /** Every queue comes first in its turn, so that a full one does not starve the others. */
  private queuesInTurn(): readonly string[] {
    const { queues } = this.host;
    if (queues.length === 1) return queues;
    this.firstQueue = (this.firstQueue + 1) % queues.length;
    return [...queues.slice(this.firstQueue), ...queues.slice(0, this.firstQueue)];
  }
}
