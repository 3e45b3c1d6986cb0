import type { ErrorClasses } from '../../core/errors/error-classes.js';
import { decodeError } from '../../core/payload/payload.js';
import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { StepWrite } from './pass-journal.js';

interface StepFailure {
  readonly error: unknown;
  /** The failed step as it will be stored, but for its status. */
  readonly record: Omit<StepWrite, 'status'>;
  /** The handler has had the chance to catch it. */
  isSeen: boolean;
}

/**
 * Failures of steps that were thrown into the handler. Whether one is part of the run's history shows only afterwards: a handler
 * that goes on has caught it, so it is memoised and replays identically; a handler that fails with it wants the step run again.
 */
export class StepFailures {
  private readonly fresh: StepFailure[] = [];
  private readonly memoised: StepFailure[] = [];

  /** @param reopened called with the names of the steps that the next attempt runs again */
  constructor(
    private readonly write: (step: StepWrite) => void,
    private readonly reopened: (steps: readonly string[]) => void,
  ) {}

  /** @returns a function to be called right before the handler gets the error */
  add(error: unknown, record: Omit<StepWrite, 'status'>): () => void {
    const failure: StepFailure = { error, record, isSeen: false };
    this.fresh.push(failure);
    // A sibling called in the same breath (Promise.all) says nothing about a catch.
    return () =>
      queueMicrotask(() => {
        failure.isSeen = true;
      });
  }

  /** A memoised failure that this pass replays. @returns the error for the handler */
  replay(name: string, stored: StoredStep, classes: ErrorClasses): Error {
    const error = decodeError(stored.payload, classes);
    const { order, attempt, base, digest, payload: opened, sealed: payload = opened } = stored;
    const kind = stored.kind as StepWrite['kind'];
    this.memoised.push({ error, record: { name, kind, order, attempt, base, elapsedMs: 0, payload, digest }, isSeen: true });
    return error;
  }

  /** The handler went on: stores the failures it has caught. */
  memoise(): void {
    if (this.fresh.length === 0) return;
    for (const failure of this.fresh.splice(0)) {
      if (failure.isSeen) this.keep(failure);
      else this.fresh.push(failure);
    }
  }

  /** The handler succeeded: stores every failure, also those it did not await. */
  memoiseAll(): void {
    for (const failure of this.fresh.splice(0)) this.keep(failure);
  }

  /** The handler failed with `thrown`: stores what failed in a way that lets the next attempt run it again. */
  reopen(thrown: unknown): void {
    const reopened = [...this.fresh.splice(0), ...this.memoised.filter(({ error }) => carries(thrown, error))];
    if (reopened.length === 0) return;
    this.reopened(reopened.map(({ record }) => record.name));
    for (const { record } of reopened) this.write({ ...record, status: 'x', order: 0 });
  }

  private keep(failure: StepFailure): void {
    this.write({ ...failure.record, status: 'f' });
    this.memoised.push(failure);
  }
}

/** Whether `error` is `thrown`, one of its causes or one of its aggregated errors. */
function carries(thrown: unknown, error: unknown, depth = 0): boolean {
  if (thrown === error) return true;
  if (typeof thrown !== 'object' || thrown === null || depth === 10) return false;
  const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
  if (cause !== undefined && carries(cause, error, depth + 1)) return true;
  return Array.isArray(errors) && errors.some((one) => carries(one, error, depth + 1));
}
