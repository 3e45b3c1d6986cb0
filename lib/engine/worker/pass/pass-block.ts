import { blockMessage, type Departure } from '../../core/replay/block-reason.js';
import { blockRun } from '../../redis/replay/block-run.js';
import type { ClaimedRun } from '../../redis/runs/claim-runs.js';
import type { PassJournal } from '../steps/pass-journal.js';
import type { StepRuntime } from '../steps/step-runtime.js';
import type { PassHost } from './pass-host.js';
import type { RunContext } from './run-context.js';

interface BlockablePass {
  readonly claimed: ClaimedRun;
  readonly worker: PassHost;
  readonly journal: PassJournal;
  readonly context: RunContext;
  readonly steps: StepRuntime;
  readonly isOver: boolean;
  readonly isCanceled: boolean;
  readonly hasTimedOut: boolean;
  end(outcome: 'blocked'): void;
  endCanceled(): void;
}

/**
 * Drops the pass as a park does, without a word to the handler, and sets the run aside. Functions in flight settle and are stored first. The
 * handler has gone on to a step: what it caught before is history.
 */
export async function block(pass: BlockablePass, departure: Departure): Promise<void> {
  const { claimed, journal, context } = pass;
  const reason = { ...departure, deployment: pass.worker.departures.deployment };
  const { ledger } = pass.steps;
  ledger.close();
  await ledger.activity.functionsSettled();
  // Of both it was told meanwhile, and they come first.
  if (pass.isOver || pass.hasTimedOut) return;
  if (pass.isCanceled) return pass.endCanceled();
  ledger.failures.memoise();
  pass.end('blocked');
  journal.last(blockRun(claimed.run.id, claimed.fence, reason));
  context.logger.error(
    `The run is blocked. ${blockMessage(reason)} Another deployment that serves the workflow tries it once, now or when it comes. Or let the run go on with client.resumeRun().`,
  );
}
