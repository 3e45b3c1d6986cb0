import { ReplayMismatchError } from '../../core/errors/index.js';
import type { StepLedger } from '../steps/step-ledger.js';

/**
 * What becomes of a call that is replayed under other arguments than those its result was stored under: it gets no result. The run is set
 * aside, unless its workflow does not want that, or its handler goes by what differs from pass to pass: then the call fails.
 *
 * Where no step begins any more, as while a run is undone, the call does no harm: the handler is to come to all its steps. Neither does one
 * that somebody has let go.
 *
 * @param step stored under other arguments
 * @returns whether the run is set aside, so that the call never settles
 * @throws ReplayMismatchError
 */
export function refuseMismatch(ledger: StepLedger, step: string): boolean {
  const { host, data, isHalted, runId } = ledger;
  if (isHalted || data.leftBehind.has(step)) return false;
  if (host.determinism.mode !== 'block' || host.hasLooked) throw new ReplayMismatchError({ runId, step });
  host.block({ because: 'arguments', missing: [step] });
  return true;
}
