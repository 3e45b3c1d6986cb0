import { LongTimer } from '../../core/async/long-timer.js';
import type { StepTask } from './step-task.js';

/**
 * Functions of steps with a compensation that go on though their step has timed out. What they do is undone only once they have
 * settled, or have had a grace; until then they count as running.
 */
export class Stragglers {
  private readonly graces = new Set<LongTimer>();

  constructor(private readonly graceMs: number) {}

  get size(): number {
    return this.graces.size;
  }

  /** @param isOver called once: when the function has settled or had its grace */
  add(task: StepTask, isOver: () => void): void {
    const grace = new LongTimer(this.graceMs, () => over());
    const over = (): void => {
      grace.cancel();
      if (this.graces.delete(grace)) isOver();
    };
    this.graces.add(grace);
    task.whenEnded(over);
  }

  /** Nobody waits for them any more. */
  forget(): void {
    for (const grace of this.graces) grace.cancel();
    this.graces.clear();
  }
}
