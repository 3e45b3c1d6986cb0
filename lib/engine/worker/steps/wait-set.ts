import { LongTimer } from '../../core/async/long-timer.js';
import type { RedisClock } from '../../core/async/redis-clock.js';

export interface Wait {
  readonly name: string;
  /** Redis time at which it ends; unknown until Redis has stored it. */
  wakeAt?: number;
  /** Ends the wait inside the running pass. */
  readonly fire: (now: number) => void;
  /** The handler waits no more: rejects with an error. */
  readonly abandon: (error: Error) => void;
}

/** The open waits of a pass, with a local timer each for as long as the pass lives. */
export class WaitSet {
  private readonly waits = new Map<string, Wait>();
  private readonly timers = new Map<string, LongTimer>();
  private paused = false;

  constructor(
    private readonly clock: RedisClock,
    private readonly onDue: (wait: Wait) => void,
  ) {}

  get size(): number {
    return this.waits.size;
  }

  names(): string[] {
    return [...this.waits.keys()];
  }

  add(wait: Wait): void {
    this.waits.set(wait.name, wait);
    if (wait.wakeAt !== undefined) this.arm(wait, wait.wakeAt);
  }

  /** Redis has stored the wait. */
  schedule(name: string, wakeAt: number): void {
    const wait = this.waits.get(name);
    if (!wait) return;
    wait.wakeAt = wakeAt;
    this.arm(wait, wakeAt);
  }

  remove(name: string): void {
    this.timers.get(name)?.cancel();
    this.timers.delete(name);
    this.waits.delete(name);
  }

  /** No wait ends by itself until {@link resume}. */
  pause(): void {
    this.paused = true;
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
  }

  /** Ends every wait that is due at `now`, in the order of their deadlines, and lets the others run on. */
  resume(now: number): void {
    this.paused = false;
    for (const wait of this.waits.values()) if (wait.wakeAt !== undefined && wait.wakeAt > now) this.arm(wait, wait.wakeAt);
    const due = [...this.waits.values()].filter(({ wakeAt }) => wakeAt !== undefined && wakeAt <= now);
    for (const wait of due.sort((a, b) => (a.wakeAt as number) - (b.wakeAt as number))) this.release(wait);
  }

  /** Ends every wait with an error. */
  abandonAll(error: Error): void {
    const waits = [...this.waits.values()];
    this.clear();
    for (const { abandon } of waits) abandon(error);
  }

  clear(): void {
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
    this.waits.clear();
  }

  private arm(wait: Wait, wakeAt: number): void {
    if (this.paused) return;
    // One millisecond late rather than early: the local estimate of the Redis clock is not exact.
    this.timers.set(wait.name, new LongTimer(wakeAt - this.clock.now() + 1, () => this.release(wait)));
  }

  private release(wait: Wait): void {
    if (!this.waits.has(wait.name)) return;
    this.remove(wait.name);
    this.onDue(wait);
  }
}
