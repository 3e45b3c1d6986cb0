import { types } from 'node:util';
import type { StepKind, StepRecord } from '../core/api/run.types.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { uncalledOverride } from './inline.messages.js';

/** What a test gives in place of steps, and which steps the run has called. */
export class StepOverrides {
  private readonly called = new Set<string>();
  private readonly kinds = new Map<string, StepKind>();
  private readonly outcomes = new Map<string, Promise<unknown>>();

  constructor(private readonly given: Readonly<Record<string, unknown>>) {}

  has(name: string): boolean {
    return Object.hasOwn(this.given, name);
  }

  /** The handler has come to a step. */
  call(name: string): void {
    this.called.add(name);
  }

  /** @param args for an override that is a function */
  async outcome(name: string, ...args: unknown[]): Promise<unknown> {
    const override = this.given[name];
    if (typeof override === 'function') return override(...args);
    if (override instanceof Error || types.isNativeError(override)) throw override;
    return override;
  }

  /** As {@link outcome}, once for all attempts of the run: what others do does not happen again when the run is retried. */
  outcomeFromOutside(name: string, kind: StepKind, make: () => Promise<unknown>): Promise<unknown> {
    this.kinds.set(name, kind);
    const known = this.outcomes.get(name);
    if (known) return known;
    const outcome = make();
    this.outcomes.set(name, outcome);
    return outcome;
  }

  /** Every overridden step is a function for the engine: its record says what it stands for. */
  labelled(record: StepRecord): StepRecord {
    return { ...record, kind: this.kinds.get(record.name) ?? record.kind };
  }

  /** @throws InvalidOptionError for one that names no step of the run */
  refuseUncalled(): void {
    const uncalled = Object.keys(this.given).find((name) => !this.called.has(name));
    if (uncalled !== undefined) {
      throw new InvalidOptionError('stepOverrides', uncalledOverride(uncalled, [...this.called]));
    }
  }
}
