import { LeaseLostError, ShutdownError } from '../../core/errors/index.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import type { PassJournal } from '../steps/pass-journal.js';
import type { StepRuntime } from '../steps/step-runtime.js';
import { REFUSED_DELAY_MS } from './pass-ending.js';
import type { PassHost } from './pass-host.js';
import type { RunContext } from './run-context.js';

interface ExitingPass {
  readonly claimed: ClaimedRun;
  readonly worker: PassHost;
  readonly journal: PassJournal;
  readonly context: RunContext;
  readonly steps: StepRuntime;
  readonly isOver: boolean;
  end(outcome: 'handed_back' | 'lost'): void;
  abort(reason: unknown): void;
}

/** How a pass parts with a run that has not ended. */
export class PassExit {
  private isRefused = false;
  private leaving = false;

  constructor(private readonly pass: ExitingPass) {}

  /** Gives the run back, to be claimed again at once. What the pass has written may yet be refused: then it was lost, and is not given back. */
  yield(): void {
    const { pass } = this;
    pass.journal.whenSettled(() => {
      if (pass.isOver) return;
      pass.end('handed_back');
      pass.journal.release(0);
    });
  }

  get isLeaving(): boolean {
    return this.leaving;
  }

  /**
   * The worker stops: aborts the handler. What is in flight may settle, and is stored; what would begin is left to the next pass, and the
   * run is given back when that is all that is left.
   */
  leave(): void {
    const { pass } = this;
    if (pass.isOver) return;
    this.leaving = true;
    pass.abort(new ShutdownError({ runId: pass.claimed.run.id }));
    const { ledger } = pass.steps;
    if (ledger.watch.clear().length > 0) ledger.leaveToNextPass();
  }

  /** Aborts the handler and gives the run back at once. */
  handBack(): void {
    const { pass } = this;
    if (pass.isOver) return;
    pass.end('handed_back');
    pass.abort(new ShutdownError({ runId: pass.claimed.run.id }));
    pass.journal.release(0);
  }

  /** The worker's lease is gone: somebody else executes the run, or will. */
  lose(): void {
    const { pass } = this;
    if (pass.isOver) return;
    pass.end('lost');
    pass.journal.close();
    pass.abort(new LeaseLostError({ runId: pass.claimed.run.id, workerId: pass.worker.workerId }));
    pass.context.logger.warn(
      'The run was taken from this worker, which had stopped renewing its lease; its late writes are refused.',
    );
  }

  /** Also when the last write of the pass was refused: the run must not stay with a worker that does nothing for it. */
  refused(error: Error): void {
    if (this.isRefused) return;
    this.isRefused = true;
    const { pass } = this;
    pass.end('handed_back');
    pass.journal.close();
    pass.context.logger.error(`A call for the run failed, it is handed back: ${error.message}`);
    pass.abort(error);
    pass.worker.handBacks.add(pass.claimed.run.id, pass.claimed.fence, REFUSED_DELAY_MS);
  }
}
