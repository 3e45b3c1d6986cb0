/** Calls of a client that are under way, those still being checked included, so that closing can wait for them. */
export class PendingCalls {
  private count = 0;
  private idleWaiters: Array<() => void> = [];

  /** Resolves when none is under way. */
  idle(): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  async track<T>(call: () => Promise<T>): Promise<T> {
    this.count++;
    try {
      return await call();
    } finally {
      this.count--;
      if (this.count === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    }
  }
}
