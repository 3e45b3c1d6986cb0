import { FaultLog } from '../../core/async/fault-log.js';
import { ORPHANS_PER_CALL, requeueOrphans } from '../../redis/workers/requeue-orphans.js';
import type { HandBacks } from '../pass/hand-backs.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';
import type { ClaimLoop } from './claim-loop.js';
import type { RunIntake } from './run-intake.js';

/** Some of the runs that Redis says the worker owns. */
export interface OwnedPage {
  readonly owned: readonly string[];
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** Where the runs of a worker are. */
export interface RunHolders {
  readonly passes: ReadonlySet<Pass>;
  readonly intake: RunIntake;
  readonly handBacks: HandBacks;
  readonly claims: ClaimLoop;
}

/**
 * Compares the runs that Redis says this worker owns with those that it holds. Redis may have come back without its last second, or a
 * replica without it may have taken over: runs that the worker has finished are `running` again then, and its heartbeat would keep them
 * for ever. They are queued again.
 */
export class OwnedRuns {
  /** Owned runs that no pass executes, and since when: as of the last round, and of the one that is under way. */
  private idle = new Map<string, number>();
  private round = new Map<string, number>();
  private readonly faults: FaultLog;

  constructor(
    private readonly context: Pick<WorkerContext, 'workerId' | 'buffer' | 'warn'>,
    private readonly holders: RunHolders,
  ) {
    this.faults = new FaultLog('Queueing runs again that Redis says this worker executes', context.warn);
  }

  /** Takes in a page of what a heartbeat has listed. */
  look({ owned, isFirst, isLast }: OwnedPage): void {
    if (isFirst) this.round = new Map();
    const executed = new Set([...this.holders.passes].map(({ run }) => run.id));
    const idle = owned.filter((id) => !executed.has(id));
    const now = performance.now();
    for (const id of idle) this.round.set(id, this.idle.get(id) ?? now);
    if (isLast) this.idle = this.round;
    if (idle.length > 0) this.giveUp(idle.filter((id) => !this.isHeldOtherwise(id)));
  }

  /** Owned runs that no pass executes, and since when, on the monotonic clock. */
  idleRuns(): Map<string, number> {
    return new Map([...this.idle, ...this.holders.handBacks.unanswered()]);
  }

  /** Its payloads are being read, it is being given back, or what its pass wrote last is yet to be answered. */
  private isHeldOtherwise(id: string): boolean {
    for (const { run } of this.holders.intake.loading()) if (run.id === id) return true;
    for (const [runId] of this.holders.handBacks.unanswered()) if (runId === id) return true;
    return this.context.buffer.isPending(id);
  }

  /** Which claims were read is told as of now, like what is held: an answer that is under way may bring any of these runs. */
  private giveUp(orphans: readonly string[]): void {
    const { workerId, buffer } = this.context;
    for (let from = 0; from < orphans.length; from += ORPHANS_PER_CALL) {
      const ids = orphans.slice(from, from + ORPHANS_PER_CALL);
      buffer.send(
        requeueOrphans(workerId, this.holders.claims.readNumbers(), ids),
        (requeued) => this.requeued(requeued),
        (error) => this.faults.failed(error),
      );
    }
  }

  private requeued(runIds: readonly string[]): void {
    this.faults.succeeded();
    if (runIds.length === 0) return;
    this.context.warn(
      `Redis said that this worker executes ${runIds.length} runs that it does not hold, as after a loss of Redis' last writes. ` +
        'They are queued again; their handlers and last steps may run twice.',
      { runIds },
    );
    this.holders.claims.nudge();
  }
}
