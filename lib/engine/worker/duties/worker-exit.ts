import { LongTimer } from '../../core/async/long-timer.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { removeWorker } from '../../redis/workers/remove-worker.js';
import { retireWorker } from '../../redis/workers/retire-worker.js';
import type { Pass } from '../pass/pass.js';

/** How long functions whose signal was aborted by a stop may take to settle. */
const SETTLE_GRACE_MS = 1_000;

/** The worker that leaves. */
interface LeavingWorker {
  readonly id: string;
  readonly queues: readonly string[];
  readonly buffer: WriteBuffer;
  runningCount(): number;
  warn(message: string): void;
}

/** How a worker takes its leave: it is woken no more, its passes end, it signs off. */
export class WorkerExit {
  private onDrained: (() => void) | undefined;

  constructor(private readonly worker: LeavingWorker) {}

  /** Not awaited: runs may go on to their end while Redis is away. */
  retire(): void {
    const { id, queues, buffer } = this.worker;
    buffer
      .add(retireWorker(id, queues))
      .catch((error: unknown) => this.worker.warn(`New runs may wake this worker while it stops: ${(error as Error).message}`));
  }

  /** Resolves when no pass is left, at the latest after `timeoutMs`. */
  drained(timeoutMs: number): Promise<void> {
    if (this.worker.runningCount() === 0) return Promise.resolve();
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
  async settled(passes: ReadonlySet<Pass>): Promise<void> {
    for (const { exit } of [...passes]) exit.leave();
    await this.drained(SETTLE_GRACE_MS);
    for (const { exit } of [...passes]) exit.handBack();
  }

  passEnded(): void {
    if (this.worker.runningCount() === 0) this.onDrained?.();
  }

  async signOff(): Promise<void> {
    const { id, buffer } = this.worker;
    try {
      while ((await buffer.add(removeWorker(id))) === 'AGAIN');
    } catch (error) {
      this.worker.warn(`The worker could not sign off; its lease ends by itself: ${(error as Error).message}`);
    }
  }
}
