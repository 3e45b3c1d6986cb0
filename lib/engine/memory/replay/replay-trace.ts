import { redflowErrorCode } from '../../core/errors/error-codes.js';
import { STEP_KINDS } from '../../redis/steps/step-codes.js';
import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { RecordedSteps } from './recorded-steps.js';
import { otherArguments, otherKind } from './replay.messages.js';
import type { ReplayDeparture } from './replay.types.js';

/** One call of a step in a replay. */
export interface TracedCall {
  /** Nothing is recorded that the engine could hand over. */
  readonly isOpen: boolean;
  readonly delivered: () => void;
  readonly rejected: (error: unknown) => void;
  /** @param fail ends the call with the error that it failed the run with, which is encoded */
  readonly held: (fail: (error: string) => void) => void;
}

/** What a replayed handler does, call by call. */
export class ReplayTrace {
  readonly asked: string[] = [];
  /** New steps, which are held. */
  readonly fresh: string[] = [];
  /** Recorded steps without an outcome, which are held. */
  readonly open: string[] = [];
  /** Steps that others have overtaken, with the first of those. */
  readonly overtaken = new Map<string, string>();
  readonly departures: ReplayDeparture[] = [];
  delivered = 0;
  /** The handler has looked at its attempt or its signal, and may go another way in each pass. */
  hasLooked: () => boolean = () => false;
  /** The handler asks for a step. */
  onAsk: (() => void) | undefined;
  private readonly failures: Array<{ readonly moment: number; readonly fail: () => void }> = [];

  /** @param repeatsFailures the run has failed: steps that were to be run again have failed it, and fail it once more */
  constructor(
    readonly recorded: RecordedSteps,
    private readonly repeatsFailures: boolean,
  ) {}

  /** Recorded steps that the handler should have asked for by now, or at all. */
  missing(delivered = this.delivered): string[] {
    return this.hasLooked() ? [] : this.recorded.missing(delivered);
  }

  ask(name: string, kind: string): TracedCall {
    const askedAfter = this.delivered;
    const stored = this.recorded.get(name);
    this.asked.push(name);
    this.recorded.ask(name);
    this.onAsk?.();
    return {
      isOpen: !stored || isOpen(stored),
      delivered: () => this.deliver(name, askedAfter),
      rejected: (error) => {
        const code: string | undefined = redflowErrorCode(error);
        if (code === 'STEP_MISMATCH' && stored) this.departures.push(otherKind(name, STEP_KINDS[stored.kind], STEP_KINDS[kind]));
        else if (code === 'REPLAY_MISMATCH') this.departures.push(otherArguments(name));
        else if (code !== 'DUPLICATE_STEP') this.deliver(name, askedAfter);
      },
      held: (fail) => this.hold(name, stored, fail),
    };
  }

  /** Nothing else is left to happen: lets the step fail that failed first, if any is left. */
  failNext(): boolean {
    const next = this.failures.sort((a, b) => a.moment - b.moment).shift();
    next?.fail();
    return next !== undefined;
  }

  private deliver(name: string, askedAfter: number): void {
    const overtaken = this.hasLooked() ? [] : this.recorded.overtakenBy(name, askedAfter, this.delivered);
    for (const step of overtaken) {
      if (!this.overtaken.has(step)) this.overtaken.set(step, name);
    }
    this.delivered++;
  }

  private hold(name: string, stored: StoredStep | undefined, fail: (error: string) => void): void {
    if (!stored) this.fresh.push(name);
    else if (this.repeatsFailures && stored.status === 'x' && stored.payload !== '') {
      this.failures.push({ moment: stored.moment, fail: () => fail(stored.payload) });
    } else this.open.push(name);
  }
}

function isOpen({ kind, status, order }: StoredStep): boolean {
  if (status === 'w') return kind === 'r' || kind === 'u';
  return order === 0 && status !== 'd' && status !== 'k';
}
