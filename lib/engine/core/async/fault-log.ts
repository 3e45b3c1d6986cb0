const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** How long to rest after so many failures in a row: longer each time, and not the same for all workers. */
export function pauseAfter(failures: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS);
  return longest * (0.5 + Math.random() / 2);
}

/** Reports a task that is repeated until it works: one line when it begins to fail and one when that is over, however often it is tried. */
export class FaultLog {
  private failures = 0;

  /** @param what begins a sentence: `Claiming runs` */
  constructor(
    private readonly what: string,
    private readonly warn: (message: string) => void,
  ) {}

  failed(error: unknown): void {
    if (this.failures === 0) this.warn(`${this.what} failed and is tried again until it works: ${(error as Error).message}`);
    this.failures++;
  }

  succeeded(): void {
    if (this.failures === 0) return;
    this.warn(`${this.what} works again after ${this.failures} failed ${this.failures === 1 ? 'attempt' : 'attempts'}.`);
    this.failures = 0;
  }
}
