import type { FaultLog } from './fault-log.js';
import { LongTimer } from './long-timer.js';

/** Runs a task again and again, `intervalMs` after its last end; `stop()` waits for one that is under way. */
export class Periodic {
  private timer: LongTimer | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly intervalMs: number,
    private readonly task: () => Promise<unknown>,
    private readonly faults: FaultLog,
  ) {
    this.arm();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
  }

  private arm(): void {
    if (this.stopped) return;
    this.timer = new LongTimer(this.intervalMs, () => {
      this.running = this.task()
        .then(
          () => this.faults.succeeded(),
          (error) => this.faults.failed(error),
        )
        .then(() => this.arm());
    });
  }
}
