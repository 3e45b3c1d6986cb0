import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError } from '../core/errors/index.js';
import { isTransient } from './transient.js';

export interface RepeatOptions {
  /** How long to go on; asked after every failure. */
  giveUpAfterMs(): number;
  /** What the caller gets instead of the last error. */
  gaveUp(error: unknown, waitedMs: number): ConnectionError;
  /** Whether there is no use in another repeat, because the connection was closed on our side, or no time. */
  isOver(): boolean;
  /** Errors worth a repeat besides those of a Redis that is away. */
  alsoPassing?(error: unknown): boolean;
}

/** Calls again and again, with backoff and jitter, for as long as Redis is away. The call must be one that may run twice. */
export async function repeatWhileAway<T>(call: () => Promise<T>, options: RepeatOptions): Promise<T> {
  const since = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isPassing = isTransient(error) || error instanceof ConnectionError || options.alsoPassing?.(error);
      if (!isPassing) throw error;
      const waited = performance.now() - since;
      if (waited >= options.giveUpAfterMs() || options.isOver()) throw options.gaveUp(error, waited);
      await delay(Math.min(20 * 2 ** Math.min(attempt, 6), 1_000) * (0.5 + Math.random() / 2));
    }
  }
}
