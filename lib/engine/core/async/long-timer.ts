/** Node runs a timer at once when its delay passes 2³¹ − 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** A timer for any span, infinity included, which never comes; `cancel()` may be called at any time. */
export class LongTimer {
  private handle: NodeJS.Timeout | undefined;

  constructor(
    delayMs: number,
    private readonly fire: () => void,
  ) {
    this.arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.handle);
  }

  private arm(leftMs: number): void {
    const span = Math.min(leftMs, LONGEST_MS);
    this.handle = setTimeout(() => (leftMs > LONGEST_MS ? this.arm(leftMs - LONGEST_MS) : this.fire()), Math.max(0, span));
  }
}
