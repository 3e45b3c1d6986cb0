import { FaultLog, pauseAfter } from '../../core/async/fault-log.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { putAside } from '../../redis/routing/put-aside.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import { releaseRun } from '../../redis/runs/release-run.js';
import type { Op, WriteStatus } from '../../redis/script/op.js';
import type { WorkerContext } from '../worker-context.js';

interface HandBack {
  readonly runId: string;
  readonly op: Op<WriteStatus>;
  /** On the monotonic clock. */
  readonly since: number;
  failures: number;
  retry: LongTimer | undefined;
}

/**
 * Runs that a worker gives back unfinished. Redis thinks that the worker executes them until it has answered, and so does the worker:
 * a hand-back that is refused is tried again, or the run would stay with a worker that does nothing for it.
 */
export class HandBacks {
  private readonly pending = new Set<HandBack>();
  private readonly faults: FaultLog;
  private isStopping = false;

  constructor(private readonly context: Pick<WorkerContext, 'buffer' | 'warn'>) {
    this.faults = new FaultLog('Handing runs back', context.warn);
  }

  /** @param unfit another worker may be able to execute it */
  add(runId: string, fence: string, delayMs: number, unfit = false): void {
    this.open(runId, releaseRun(runId, fence, delayMs, unfit));
  }

  /** One of a workflow that this worker does not serve, to those that do. */
  putAside(claimed: ClaimedRun): void {
    this.open(claimed.run.id, putAside(claimed));
  }

  private open(runId: string, op: Op<WriteStatus>): void {
    const handBack: HandBack = { runId, op, since: performance.now(), failures: 0, retry: undefined };
    this.pending.add(handBack);
    this.send(handBack);
  }

  /** Runs that Redis has not answered for yet, and since when. */
  *unanswered(): Iterable<[runId: string, since: number]> {
    for (const { runId, since } of this.pending) yield [runId, since];
  }

  /** Each is tried once more, now; what is refused then is up to whoever takes the runs of a worker that has gone. */
  finish(): void {
    this.isStopping = true;
    for (const handBack of this.pending) if (handBack.retry) this.send(handBack);
  }

  private send(handBack: HandBack): void {
    handBack.retry?.cancel();
    handBack.retry = undefined;
    this.context.buffer.send(
      handBack.op,
      () => this.answered(handBack),
      (error) => this.refused(handBack, error),
    );
  }

  /** LOST and DONE say as well that the run is not this worker's any more. */
  private answered(handBack: HandBack): void {
    this.pending.delete(handBack);
    this.faults.succeeded();
  }

  private refused(handBack: HandBack, error: unknown): void {
    this.faults.failed(error);
    if (this.isStopping) return;
    handBack.failures++;
    handBack.retry = new LongTimer(pauseAfter(handBack.failures), () => this.send(handBack));
  }
}
