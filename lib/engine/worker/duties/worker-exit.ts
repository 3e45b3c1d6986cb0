import { LongTimer } from '../../core/async/long-timer.js';
import { removeWorker } from '../../redis/workers/remove-worker.js';
import { retireWorker } from '../../redis/workers/retire-worker.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';

/** How long functions whose signal was aborted by a stop may take to settle. */
const SETTLE_GRACE_MS = 1_000;

/** How a worker takes its leave: it is woken no more, its passes end, it signs off. */
export class WorkerExit {
  private onDrained: (() => void) | undefined;

  constructor(
    private readonly context: Pick<WorkerContext, 'workerId' | 'options' | 'buffer' | 'warn'>,
    private readonly passes: ReadonlySet<Pass>,
  ) {}

  /** Not awaited: runs may go on to their end while Redis is away. */
  retire(): void {
    const { workerId, options, buffer, warn } = this.context;
    buffer
      .add(retireWorker(workerId, options.queues))
      .catch((error: unknown) => warn(`New runs may wake this worker while it stops: ${(error as Error).message}`));
  }

  /** Resolves when no pass is left, at the latest after `timeoutMs`. */
  drained(timeoutMs: number): Promise<void> {
    if (this.passes.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = new LongTimer(timeoutMs, resolve);
      this.onDrained = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /**
   * Tells the passes that are left to stop, and gives their runs back: each when what it had begun has settled, all after a grace.
   * Given back at once, a step would run elsewhere beside its function here.
   */
  async settled(): Promise<void> {
    for (const { exit } of [...this.passes]) exit.leave();
    await this.drained(SETTLE_GRACE_MS);
    for (const { exit } of [...this.passes]) exit.handBack();
  }

  passEnded(): void {
    if (this.passes.size === 0) this.onDrained?.();
  }

  async signOff(): Promise<void> {
    const { workerId, buffer, warn } = this.context;
    try {
      while ((await buffer.add(removeWorker(workerId))) === 'AGAIN');
    } catch (error) {
      warn(`The worker could not sign off; its lease ends by itself: ${(error as Error).message}`);
    }
  }
}
