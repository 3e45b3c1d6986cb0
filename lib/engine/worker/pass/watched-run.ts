import type { RunInfo } from '../../core/api/run.types.js';
import { attemptOf, type StoredRun } from '../../redis/runs/stored-run.js';

/** Holds what the getter reads. Not private fields: a proxy of the object has none, nor has what inherits from it. */
const WATCHED = Symbol('redflow.watched');

interface Watched {
  readonly attempt: number;
  readonly watch: { looked(): void };
}

/** What a handler is told of its run. Tells when somebody looks at the attempt. */
export class WatchedRun {
  readonly id: string;
  readonly workflow: string;
  readonly queue: string;
  declare readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: Record<string, string>;
  readonly version: string | undefined;
  readonly parentRunId: string | undefined;
  readonly rootRunId: string;
  declare readonly [WATCHED]: Watched;

  constructor(stored: StoredRun, maxAttempts: number, watch: { looked(): void }) {
    // A failure hook acts in the name of the run that has failed: nobody knows its own id.
    this.id = stored.hookOf ?? stored.id;
    this.workflow = stored.workflow;
    this.queue = stored.queue;
    Object.defineProperty(this, 'attempt', ATTEMPT);
    this.maxAttempts = maxAttempts;
    this.tags = stored.tags;
    this.version = stored.version;
    this.parentRunId = stored.parentRunId;
    this.rootRunId = stored.rootRunId;
    const watched: Watched = { attempt: attemptOf(stored), watch };
    Object.defineProperty(this, WATCHED, { value: watched });
  }

  /** Whoever logs the run, or hands it on, does not look at the attempt. */
  toJSON(): RunInfo {
    const { id, workflow, queue, maxAttempts, tags, version, parentRunId, rootRunId } = this;
    return { id, workflow, queue, attempt: this[WATCHED].attempt, maxAttempts, tags, version, parentRunId, rootRunId };
  }
}

/**
 * An own property, so that copies of the object have it, with one getter for all of them: a getter made for each pass gave each object a shape of
 * its own, and cost a run that has no steps twice the CPU of its worker.
 */
const ATTEMPT: PropertyDescriptor = {
  enumerable: true,
  get(this: WatchedRun) {
    const { attempt, watch } = this[WATCHED];
    watch.looked();
    return attempt;
  },
};

/** What interceptors get of it. */
export function interceptedRun(run: RunInfo): RunInfo {
  return (run as WatchedRun).toJSON();
}
