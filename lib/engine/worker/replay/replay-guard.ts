import type { RunData, StoredStep } from '../../redis/steps/stored-step.js';

/** What a guard goes by: what is stored of a run. */
export type Replayed = Pick<RunData, 'steps' | 'reopenings' | 'leftBehind'>;

interface Expected {
  readonly name: string;
  readonly asked: number;
}

/**
 * Knows which stored steps a handler should have asked for by now. A handler that goes by nothing but its input and the outcomes of its
 * steps asks for the same steps after the same outcomes on every pass; one that does not was changed since, or is not deterministic.
 *
 * A step is missing if it is not asked for although the pass has handed over as many outcomes as there had been when the pass that stored it
 * asked for it. Fewer say nothing: branches that run in parallel may be anywhere. Neither do steps that came after a failure which has
 * happened anew since, nor those that somebody has left behind.
 *
 * @see docs/decisions/0045-replay-guard.md
 */
export class ReplayGuard {
  /** By how early they were asked for. */
  private readonly expected: Expected[] = [];
  private next = 0;

  constructor(
    data: Replayed,
    private readonly isAsked: (step: string) => boolean,
  ) {
    for (const [name, step] of data.steps) {
      if (isSettled(step) && isExpected(name, data)) this.expected.push({ name, asked: step.asked as number });
    }
    this.expected.sort((a, b) => a.asked - b.asked);
  }

  /** Whether the handler has yet to ask for some of them. */
  get isIncomplete(): boolean {
    const { expected } = this;
    while (this.next < expected.length && this.isAsked(expected[this.next].name)) this.next++;
    return this.next < expected.length;
  }

  /** @param delivered how many outcomes the handler has got in this pass */
  isMissing(delivered: number): boolean {
    return this.isIncomplete && this.expected[this.next].asked <= delivered;
  }

  /** Those that are missing, the earliest first. */
  missing(delivered: number): string[] {
    return this.expected.filter(({ name, asked }) => asked <= delivered && !this.isAsked(name)).map(({ name }) => name);
  }

  /** They count as missing no more. */
  excuse(steps: readonly string[]): void {
    const excused = new Set(steps);
    const left = this.expected.filter(({ name }) => !excused.has(name));
    this.expected.splice(0, this.expected.length, ...left);
    this.next = 0;
  }
}

/** It has completed, or is a wait that was registered: a child of it runs, an event is awaited. */
function isSettled({ kind, status, order }: StoredStep): boolean {
  if (status === 'w') return kind !== 'r' && kind !== 'u';
  return order > 0;
}

/**
 * Whether a handler that has not changed asks for a stored step again, sooner or later: unless somebody has left it behind, it says nothing of
 * when it was asked for, or it came after a failure that was not the last word.
 */
export function isExpected(name: string, { steps, reopenings, leftBehind }: Replayed): boolean {
  const { asked, order } = steps.get(name) as StoredStep;
  if (asked === undefined || leftBehind.has(name)) return false;
  return !reopenings.some((reopening) => order <= reopening.order && asked >= reopening.delivered);
}
