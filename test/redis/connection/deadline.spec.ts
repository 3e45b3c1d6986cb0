import { describe, expect, it } from '@jest/globals';
import { SilenceError, within } from '../../../lib/engine/redis/connection/deadline.js';

const LONG_MS = 60_000;

describe('within()', () => {
  it('settles as the promise does, and leaves no timer', async () => {
    expect(await within(LONG_MS, 'It', Promise.resolve(1))).toBe(1);
    await expect(within(LONG_MS, 'It', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('rejects when nothing comes, and says what was waited for', async () => {
    const failure = within(10, 'A call', new Promise(() => {}));
    await expect(failure).rejects.toThrow(SilenceError);
    await expect(failure).rejects.toThrow('A call had no answer within 10 ms');
  });

  it('waits longer than any timer of Node', async () => {
    expect(await within(Number.POSITIVE_INFINITY, 'It', new Promise((resolve) => setTimeout(resolve, 20, 1)))).toBe(1);
  });

  it('lets a process that was busy read what has come meanwhile', async () => {
    const answer = new Promise((resolve) => setTimeout(() => setImmediate(resolve, 1), 20));
    const waiting = within(5, 'It', answer);
    const busyUntil = performance.now() + 300;
    while (performance.now() < busyUntil);
    expect(await waiting).toBe(1);
  });
});
