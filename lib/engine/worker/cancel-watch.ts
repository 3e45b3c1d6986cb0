import type { CommitBuffer } from '../redis/commit-buffer.js';
import { findCanceled } from '../redis/find-canceled.js';
import type { Pass } from './pass.js';

/** Runs looked at per operation: Redis serves nobody else meanwhile. */
const RUNS_PER_LOOK = 200;
/** Hints kept for runs whose claim has not been answered yet. */
const MOST_HINTS = 1_000;

export interface CancelWatchHost {
  readonly buffer: CommitBuffer;
  passes(): Iterable<Pass>;
  warn(message: string): void;
}

/** Tells the passes of a worker that their runs were canceled. */
export class CancelWatch {
  /** Runs that something came for before their pass began. */
  private readonly hints = new Set<string>();

  constructor(private readonly host: CancelWatchHost) {}

  /** Something came for a run that may not be here yet: it is looked at when its pass begins. */
  expect(runId: string): void {
    this.hints.add(runId);
    if (this.hints.size > MOST_HINTS) for (const oldest of this.hints) return void this.hints.delete(oldest);
  }

  /** A pass has begun. @returns whether something came for it before */
  begun({ run }: Pass): boolean {
    return this.hints.size > 0 && this.hints.delete(run.id);
  }

  /** Asks Redis which of the runs in execution are to be canceled. */
  look(passes: Iterable<Pass> = this.host.passes()): void {
    const byId = new Map([...passes].map((pass) => [pass.run.id, pass]));
    const ids = [...byId.keys()];
    for (let at = 0; at < ids.length; at += RUNS_PER_LOOK) {
      this.host.buffer.send(
        findCanceled(ids.slice(at, at + RUNS_PER_LOOK)),
        (found) => {
          for (const [id, reason] of found) byId.get(id)?.cancel(reason);
        },
        (error) => this.host.warn(`Looking for canceled runs failed: ${(error as Error).message}`),
      );
    }
  }
}
