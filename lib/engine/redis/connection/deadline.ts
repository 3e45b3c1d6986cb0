const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A timer that is later than this was held up by the process itself, and so was what it has to read. */
const HELD_UP_MS = 100;
const READING_MS = 1_000;

/** Nothing came from Redis in time. What was asked may have happened, or may still happen. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
}

/**
 * Settles as the promise does, or rejects once the limit is over. A process that was stopped, or busy with something else, gets a
 * moment to read what has come meanwhile.
 * @param what for the message: `a call`
 * @throws SilenceError
 */
export function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(new SilenceError(`${what} had no answer within ${Math.round(limitMs)} ms`));
    const due = performance.now() + limitMs;
    const check = () => {
      if (performance.now() - due < HELD_UP_MS) giveUp();
      else timer = setTimeout(giveUp, READING_MS);
    };
    let timer = setTimeout(check, Math.min(limitMs, LONGEST_TIMER_MS));
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
