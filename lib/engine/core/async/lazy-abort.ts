import { setMaxListeners } from 'node:events';

/** An abort signal that costs nothing until somebody asks for it: most handlers and steps never do. */
export class LazyAbort {
  private controller: AbortController | undefined;
  private aborted = false;
  private reason: unknown;

  /** @param made called once there is a signal */
  constructor(private readonly made?: (signal: AbortSignal) => void) {}

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      // As many steps may listen to the signal of their run as there are: Node takes more than ten listeners for a leak.
      setMaxListeners(0, this.controller.signal);
      this.made?.(this.controller.signal);
      if (this.aborted) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  get isAborted(): boolean {
    return this.aborted;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.controller?.abort(reason);
  }
}
