import { FaultLog } from '../../core/async/fault-log.js';
import { findCanceled } from '../../redis/cancellation/find-canceled.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';

/** Runs looked at per operation: Redis serves nobody else meanwhile. */
const RUNS_PER_LOOK = 200;
/** Hints kept for runs whose claim has not been answered yet. */
const MOST_HINTS = 1_000;

/** Tells the passes of a worker what came for their runs from outside: outcomes of waits, cancellations. */
export class RunHints {
  /** Runs that something came for before their pass began. */
  private readonly hints = new Set<string>();

  private readonly faults: FaultLog;

  constructor(
    private readonly context: Pick<WorkerContext, 'buffer' | 'warn'>,
    private readonly passes: ReadonlySet<Pass>,
  ) {
    this.faults = new FaultLog('Looking for canceled runs', context.warn);
  }

  /** Something came for a run. Its pass may not have begun: then it is looked at when it does. */
  hinted(runId: string): void {
    const passes = [...this.passes].filter(({ run }) => run.id === runId);
    for (const pass of passes) this.lookAt(pass);
    if (passes.length > 0) return;
    this.hints.add(runId);
    if (this.hints.size > MOST_HINTS) for (const oldest of this.hints) return void this.hints.delete(oldest);
  }

  begun(pass: Pass): void {
    if (this.hints.size > 0 && this.hints.delete(pass.run.id)) this.lookAt(pass);
  }

  private lookAt(pass: Pass): void {
    pass.steps.remote.look();
    this.look([pass]);
  }

  /** Asks Redis which of the runs in execution are to be canceled. */
  look(passes: Iterable<Pass> = this.passes): void {
    const byId = new Map([...passes].map((pass) => [pass.run.id, pass]));
    const ids = [...byId.keys()];
    for (let at = 0; at < ids.length; at += RUNS_PER_LOOK) {
      this.context.buffer.send(
        findCanceled(ids.slice(at, at + RUNS_PER_LOOK)),
        (found) => {
          this.faults.succeeded();
          for (const [id, reason] of found) byId.get(id)?.cancel(reason);
        },
        (error) => this.faults.failed(error),
      );
    }
  }
}
