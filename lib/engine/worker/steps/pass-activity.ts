/** What the activity of a pass is counted for. */
interface ActivityHost {
  /** There is a wait for something to come. */
  isWaiting(): boolean;
  /** Nobody begins or ends anything in this pass any more. */
  isClosed(): boolean;
  /** All outcomes that may be handed to the handler have been. */
  isDelivered(): boolean;
  /** Something has begun or ended. */
  changed(): void;
  /** All that is left are waits, or outcomes that were held back. */
  quiet(): void;
}

/** What is going on in one pass: it may park when nothing is but waiting. */
export class PassActivity {
  /** When a step last began or ended, on the monotonic clock. */
  lastProgressAt = performance.now();
  /** The outcome of a step was not handed over: the pass is dropped as soon as nothing else is going on. */
  isHoldingBack = false;
  private opening = 0;
  private functions = 0;
  private isCheckArmed = false;
  private parking = false;
  private onFunctionsSettled: Array<() => void> = [];

  constructor(private readonly host: ActivityHost) {}

  /** From when the pass is found quiet until a park finds it is not: local timers may not end a wait meanwhile. */
  get isParking(): boolean {
    return this.parking;
  }

  /** Something durable is being begun. */
  get isOpening(): boolean {
    return this.opening > 0;
  }

  /** Nothing is being begun, and no function runs. */
  get isIdle(): boolean {
    return this.functions === 0 && this.opening === 0;
  }

  /** How many step functions are running. */
  get inFlight(): number {
    return this.functions;
  }

  /** A park found a wait already due. */
  resumed(): void {
    this.parking = false;
  }

  /** Something durable is under way that is no wait: the pass does not park before as many calls of {@link released}. */
  held(): void {
    this.opening++;
  }

  /** What was held has become something else, or nothing: whoever says so looks further. */
  begun(): void {
    this.opening--;
  }

  released(): void {
    this.begun();
    this.changed();
  }

  /** A step function is running. */
  entered(): void {
    this.functions++;
    this.progressed();
  }

  /** A step function has settled, and its outcome is with the journal. */
  left(): void {
    this.functions--;
    this.progressed();
    if (this.functions === 0) for (const settled of this.onFunctionsSettled.splice(0)) settled();
    this.changed();
  }

  progressed(): void {
    this.lastProgressAt = performance.now();
  }

  /** Resolves when no step function is in flight; their outcomes have been handed to the journal then. */
  functionsSettled(): Promise<void> {
    if (this.functions === 0) return Promise.resolve();
    return new Promise((resolve) => void this.onFunctionsSettled.push(resolve));
  }

  /** Arms the check whether all that is left are waits; the handler gets one full turn to go on first. */
  changed(): void {
    this.host.changed();
    if (this.isCheckArmed || !this.isQuiet()) return;
    this.isCheckArmed = true;
    setImmediate(() => {
      this.isCheckArmed = false;
      if (!this.isQuiet()) return;
      this.parking = true;
      this.host.quiet();
    });
  }

  private isQuiet(): boolean {
    const { host } = this;
    if (host.isClosed() || this.parking || !(host.isWaiting() || this.isHoldingBack)) return false;
    return this.functions === 0 && this.opening === 0 && host.isDelivered();
  }
}
