import { ReplayMismatchError } from '../core/errors/index.js';
import type { StepLedger } from './step-ledger.js';

/**
 * What becomes of a call that is replayed under other arguments than those its result was stored under: it gets no result.
 *
 * Where no step begins any more, as while a run is undone, the call does no harm: the handler is to come to all its steps.
 *
 * @param step stored under other arguments
 * @throws ReplayMismatchError
 */
export function refuseMismatch(ledger: StepLedger, step: string): void {
  if (!ledger.isHalted) throw new ReplayMismatchError({ runId: ledger.runId, step });
}
