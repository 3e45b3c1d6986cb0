import { setTimeout as delay } from 'node:timers/promises';

export interface RepeatOptions {
  /** How long to go on. */
  readonly giveUpAfterMs: number;
  /** Whether it may succeed later. */
  isPassing(error: unknown): boolean;
  /** Told of every failure that is to be followed by a repeat. */
  failed(error: unknown): void;
  /** Whether there is no use in another repeat, because the connection was closed on our side, or no time. */
  isOver(): boolean;
  /** What the caller gets instead of the last error. */
  gaveUp(error: unknown, waitedMs: number): Error;
}

/** Calls again and again, with backoff and jitter, for as long as Redis is away. The call must be one that may run twice. */
export async function repeatWhileAway<T>(call: () => Promise<T>, options: RepeatOptions): Promise<T> {
  const since = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!options.isPassing(error)) throw error;
      const waited = performance.now() - since;
      if (waited >= options.giveUpAfterMs || options.isOver()) throw options.gaveUp(error, waited);
      options.failed(error);
      await delay(backoffMs(attempt, 1_000));
    }
  }
}

/** From 20 ms on, doubled with every attempt, with half of it by chance. */
export function backoffMs(attempt: number, longestMs: number): number {
  return Math.min(20 * 2 ** Math.min(attempt, 20), longestMs) * (0.5 + Math.random() / 2);
}
