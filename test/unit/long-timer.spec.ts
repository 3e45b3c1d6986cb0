import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LongTimer } from '../../lib/engine/core/async/long-timer.js';

const DAY_MS = 86_400_000;

describe('LongTimer', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([0, 1, 24 * DAY_MS, 30 * DAY_MS, 100 * 365 * DAY_MS])('fires once after %d ms, and not before', (span) => {
    let fired = 0;
    new LongTimer(span, () => fired++);
    if (span > 0) {
      jest.advanceTimersByTime(span - 1);
      expect(fired).toBe(0);
    }
    jest.advanceTimersByTime(1);
    expect(fired).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never fires after infinity, or once it is canceled', () => {
    let fired = 0;
    const timers = [new LongTimer(Number.POSITIVE_INFINITY, () => fired++), new LongTimer(60 * DAY_MS, () => fired++)];
    jest.advanceTimersByTime(50 * DAY_MS);
    timers[1].cancel();
    jest.advanceTimersByTime(100 * DAY_MS);
    timers[0].cancel();
    expect(fired).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});

it('no file of lib has a timer of its own, but for spans that no option can make longer than Node takes', () => {
  const own = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      /\b(setTimeout|setInterval|AbortSignal\.timeout)\(|from 'node:timers/.test(readFileSync(`lib/${file}`, 'utf8')),
  );
  expect(own.sort()).toEqual([
    // A constant.
    'engine/client/runs/result-listener.ts',
    'engine/core/async/long-timer.ts',
    // Backoffs of at most a second, and what is cut at what Node takes.
    'engine/redis/connection/connection.ts',
    'engine/redis/connection/deadline.ts',
    'engine/redis/connection/repeat-while-away.ts',
    'engine/redis/connection/subscription.ts',
    'engine/worker/duties/wake-listener.ts',
    // Cut at what Node takes.
    'lifecycle/redflow.orchestrator.ts',
    // Constants.
    'testing/redis-server/redis-process.ts',
    'testing/test-bed/redflow-test-bed.ts',
  ]);
});
