import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Repeats `check` every 20 ms until it neither throws nor returns false, and returns what it returned. For conditions that
 * cannot be awaited; the limit is a safety net, not an expectation.
 *
 * @throws Error with the last failure as its cause, and its text, when `limitMs` has passed
 */
export async function eventually<T>(check: () => T | Promise<T>, what = 'the condition', limitMs = 30_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    let failure: unknown;
    try {
      const result = await check();
      if (result !== false) return result;
      failure = new Error('it returned false');
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`Still not so after ${limitMs} ms: ${what}. Last seen: ${reason}`, { cause: failure });
    }
    await delay(POLL_MS);
  }
}
