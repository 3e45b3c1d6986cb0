import type { SpawnedProcess } from '../support/spawn-worker.js';

/** Starts a process again whenever it dies, as an operator's supervisor does, until it is told to stop. */
export class Supervisor {
  /** How often the process has died by itself. */
  deaths = 0;
  private current: SpawnedProcess | undefined;
  private stopped = false;
  private readonly loop: Promise<void>;

  constructor(private readonly start: () => SpawnedProcess) {
    this.loop = this.supervise();
  }

  /** Kills the process, which is then started again. */
  async kill(): Promise<void> {
    await this.current?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.current?.kill();
    await this.loop;
  }

  private async supervise(): Promise<void> {
    while (!this.stopped) {
      this.current = this.start();
      await this.current.exited;
      if (!this.stopped) this.deaths++;
    }
  }
}
