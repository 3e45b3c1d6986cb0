import type { RunData } from '../../redis/steps/stored-step.js';
import type { StepWrite } from './pass-journal.js';

/**
 * Where a step with a compensation stands: `open` is begun, and neither completed nor memoised; `placed` has its place in the order
 * of completion; `spared` has thrown by itself, so that there is nothing to undo, which is not recorded yet.
 */
type Standing = 'open' | 'placed' | 'spared';

/**
 * The steps of a run that are to be undone, should it fail or be canceled now: those that have completed behind the last point of no
 * return, and those that were begun and whose outcome is unknown. Empty for runs whose steps have no compensations.
 */
export class UndoableSteps {
  private readonly standings = new Map<string, Standing>();

  constructor({ steps, point }: RunData) {
    const kept = point?.order ?? 0;
    for (const [name, { kind, order }] of steps) {
      if ((kind === 'u' || kind === 'v') && (order === 0 || order > kept)) this.place(name, order);
    }
  }

  get isEmpty(): boolean {
    for (const standing of this.standings.values()) if (standing !== 'spared') return false;
    return true;
  }

  /** The step has thrown by itself: nothing of it is undone. */
  spare(name: string): void {
    if (this.standings.has(name)) this.standings.set(name, 'spared');
  }

  /**
   * Takes notice of what is stored of a step.
   * @returns the record as it is to be sent: kind `o` says that nothing is left to undo
   */
  recorded(step: StepWrite): StepWrite {
    const { name, kind, order } = step;
    if (kind === 'u' || kind === 'v') {
      this.place(name, order);
      return step;
    }
    if (this.standings.size === 0 || !this.standings.delete(name) || this.standings.size > 0) return step;
    return { ...step, kind: 'o' };
  }

  /**
   * A point of no return: what has its place before it is kept.
   * @returns whether a step is open, which lies behind the point
   */
  passPoint(): boolean {
    for (const [name, standing] of this.standings) if (standing === 'placed') this.standings.delete(name);
    return this.standings.size > 0;
  }

  private place(name: string, order: number): void {
    this.standings.set(name, order === 0 ? 'open' : 'placed');
  }
}
