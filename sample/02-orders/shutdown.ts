/** Closes what was opened, last opened first, exactly once. */
export class Shutdown {
  private readonly closers: Array<() => Promise<unknown>> = [];
  private running?: Promise<void>;
  private readonly controller = new AbortController();

  /** Aborted as soon as the shutdown begins. */
  readonly signal = this.controller.signal;

  add(closer: () => Promise<unknown>): void {
    this.closers.push(closer);
  }

  run(): Promise<void> {
    this.running ??= this.closeAll();
    return this.running;
  }

  private async closeAll(): Promise<void> {
    this.controller.abort();
    for (const close of this.closers.reverse()) await close();
  }
}
