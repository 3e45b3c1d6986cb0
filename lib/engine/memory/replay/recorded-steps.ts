import type { RunData, StoredStep } from '../../redis/steps/stored-step.js';
import { isExpected } from '../../worker/replay/replay-guard.js';
import { compensationOf } from '../../worker/steps/function-steps.js';

interface Recorded {
  readonly name: string;
  /** How many outcomes the handler had been given when it asked for the step. */
  readonly asked: number;
  readonly order: number;
}

/** The steps of an exported run that its handler is to ask for again, by the rule of the worker's `ReplayGuard`. */
export class RecordedSteps {
  private readonly expected: readonly Recorded[];
  private readonly asked = new Set<string>();

  constructor(private readonly data: RunData) {
    const undoable = [...data.steps].filter(([, { kind }]) => kind === 'v' || kind === 'u');
    const compensations = new Set(undoable.map(([name]) => compensationOf(name)));
    this.expected = [...data.steps]
      .filter(([name, step]) => isSettled(step) && isExpected(name, data) && !compensations.has(name))
      .map(([name, { order, asked }]) => ({ name, order, asked: asked as number }))
      .sort((a, b) => a.asked - b.asked);
  }

  ask(name: string): void {
    this.asked.add(name);
  }

  get(name: string): StoredStep | undefined {
    return this.data.steps.get(name);
  }

  /** Those that a handler which has been given so many outcomes should have asked for and has not, the earliest first. */
  missing(delivered: number): string[] {
    return this.expected.filter(({ name, asked }) => asked <= delivered && !this.asked.has(name)).map(({ name }) => name);
  }

  /**
   * Those that a step has overtaken: the handler should have asked for them, and the step came after them.
   * @param askedAfter how many outcomes the handler had been given when it asked for the step now
   * @param delivered how many it had been given before that of the step
   */
  overtakenBy(name: string, askedAfter: number, delivered: number): string[] {
    const step = this.expected.find((one) => one.name === name);
    if (!step || askedAfter >= step.asked) return [];
    const isEarlier = (one: Recorded) => one.order > 0 && one.order < step.order && one.asked <= delivered;
    return this.expected.filter((one) => isEarlier(one) && !this.asked.has(one.name)).map((one) => one.name);
  }
}

/** It has completed, or is a wait that was registered. */
function isSettled({ kind, status, order }: StoredStep): boolean {
  if (status === 'w') return kind !== 'r' && kind !== 'u';
  return order > 0 || status === 'd' || status === 'k';
}
