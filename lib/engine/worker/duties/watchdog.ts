import { FaultLog } from '../../core/async/fault-log.js';
import { Periodic } from '../../core/async/periodic.js';
import type { Pass } from '../pass/pass.js';
import type { WorkerContext } from '../worker-context.js';
import type { OwnedRuns } from './owned-runs.js';

/** Notices runs that make no progress though their worker lives: no step began, ended or reported for `stalledForMs`, or no pass executes them. */
export class Watchdog {
  private stalled: string[] = [];
  private readonly rounds: Periodic;
  private readonly stalledForMs: number;

  constructor(
    private readonly context: Pick<WorkerContext, 'options' | 'warn'>,
    private readonly passes: ReadonlySet<Pass>,
    private readonly owned: Pick<OwnedRuns, 'idleRuns'>,
  ) {
    const { intervalMs, stalledForMs } = context.options.watchdog;
    this.stalledForMs = stalledForMs;
    this.rounds = new Periodic(intervalMs, async () => this.look(), new FaultLog('Looking for stalled runs', context.warn));
  }

  get stalledRunIds(): readonly string[] {
    return this.stalled;
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private look(): void {
    const before = new Set(this.stalled);
    const now = performance.now();
    this.stalled = [];
    for (const { run, steps } of this.passes) {
      if (now - steps.ledger.activity.lastProgressAt < this.stalledForMs) continue;
      this.stalled.push(run.id);
      if (before.has(run.id)) continue;
      const running = [...steps.functions.active].map(({ init }) => init.name);
      this.context.warn(`The run made no progress for ${this.stalledForMs} ms though its worker lives.`, {
        runId: run.id,
        workflow: run.workflow,
        steps: running,
      });
    }
    for (const [runId, since] of this.owned.idleRuns()) {
      if (now - since < this.stalledForMs) continue;
      this.stalled.push(runId);
      if (before.has(runId)) continue;
      this.context.warn(`Redis has said for ${this.stalledForMs} ms that this worker executes the run, which it does not.`, {
        runId,
      });
    }
  }
}
