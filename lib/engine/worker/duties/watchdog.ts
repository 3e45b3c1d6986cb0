import { FaultLog } from '../../core/async/fault-log.js';
import { Periodic } from '../../core/async/periodic.js';
import type { Pass } from '../pass/pass.js';
import type { OwnedRuns } from './owned-runs.js';

export interface WatchdogHost {
  passes(): Iterable<Pass>;
  readonly owned: OwnedRuns;
  warn(message: string, fields: object): void;
}

/** Notices runs that make no progress though their worker lives: no step began, ended or reported for `stalledForMs`, or no pass executes them. */
export class Watchdog {
  private stalled: string[] = [];
  private readonly rounds: Periodic;

  constructor(
    private readonly host: WatchdogHost,
    intervalMs: number,
    private readonly stalledForMs: number,
  ) {
    this.rounds = new Periodic(
      intervalMs,
      async () => this.look(),
      new FaultLog('Looking for stalled runs', (message) => host.warn(message, {})),
    );
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
    for (const { run, steps } of this.host.passes()) {
      if (now - steps.ledger.activity.lastProgressAt < this.stalledForMs) continue;
      this.stalled.push(run.id);
      if (before.has(run.id)) continue;
      const running = [...steps.functions.active].map(({ init }) => init.name);
      this.host.warn(`The run made no progress for ${this.stalledForMs} ms though its worker lives.`, {
        runId: run.id,
        workflow: run.workflow,
        steps: running,
      });
    }
    for (const [runId, since] of this.host.owned.idleRuns()) {
      if (now - since < this.stalledForMs) continue;
      this.stalled.push(runId);
      if (before.has(runId)) continue;
      this.host.warn(`Redis has said for ${this.stalledForMs} ms that this worker executes the run, which it does not.`, {
        runId,
      });
    }
  }
}
