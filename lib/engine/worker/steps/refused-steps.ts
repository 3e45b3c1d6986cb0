import { decodeError } from '../../core/payload/payload.js';
import type { SealedError } from '../../core/payload/sealer.js';
import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { StepWrite } from './pass-journal.js';
import type { StepLedger } from './step-ledger.js';

/** A step that starts something outside of its run. */
export interface StartingStep {
  readonly name: string;
  readonly kind: StepWrite['kind'];
  readonly stored: StoredStep | undefined;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets a step start what it is to start, unless that was refused in an earlier pass: for a rate limit, a circle of waits, a key that is
 * taken or an input. A handler that goes on has caught the refusal and meets it again whenever it is replayed, though the step might start
 * by then: what the handler did in its place would have been done beside it. The next attempt of a handler that fails with it tries again.
 */
export function startUnlessRefused(ledger: StepLedger, step: StartingStep, start: () => Promise<void>): void {
  if (step.stored?.status === 'f') replay(ledger, step, step.stored);
  else ledger.begin(start, (error) => refuse(ledger, step, error));
}

function replay(ledger: StepLedger, { name, reject }: StartingStep, stored: StoredStep): void {
  ledger.deliver(stored.order, () => reject(ledger.failures.replay(name, stored, ledger.host.errors)));
}

function refuse(ledger: StepLedger, { name, kind, reject }: StartingStep, refusal: unknown): void | Promise<void> {
  if (ledger.isHalted) return reject(refusal);
  const conclude = ({ sealed: payload, json }: SealedError): void => {
    if (ledger.closed) return;
    const order = ledger.nextOrder();
    const error = decodeError(json, ledger.host.errors);
    const announce = ledger.failures.add(error, { name, kind, order, attempt: 1, base: 0, elapsedMs: 0, payload });
    ledger.deliver(order, () => {
      announce();
      reject(error);
    });
  };
  const kept = ledger.host.worker.sealer.sealError(refusal, `error of step "${name}" of run "${ledger.runId}"`);
  return kept instanceof Promise ? kept.then(conclude) : conclude(kept);
}
