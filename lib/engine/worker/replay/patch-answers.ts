import { checkStepName } from '../../core/checks/checks.js';
import type { StepLedger } from '../steps/step-ledger.js';

/**
 * What `ctx.patched()` answers in one pass.
 *
 * An answer is given at once, stored or new, so that it takes the handler the same turns on every pass. A new one is written first: what
 * begins afterwards either waits for all earlier writes or is a later write of the same run, so it never exists without the answer.
 *
 * It is not a step: the record of the run's steps stays as it is, so the call may leave the code again when no run needs it any more.
 */
export class PatchAnswers {
  private readonly answers: Map<string, boolean>;

  constructor(private readonly ledger: StepLedger) {
    const { patches } = ledger.data;
    this.answers = new Map(patches === undefined ? [] : Object.entries(JSON.parse(patches) as Record<string, boolean>));
  }

  /** The answer in a run that begins nothing any more, as in its compensations: what is stored, else false. Undefined in any other. */
  settled(id: string): Promise<boolean> | undefined {
    if (!this.ledger.isHalted) return undefined;
    return Promise.resolve(this.answers.get(id) ?? false);
  }

  ask(id: string): Promise<boolean> {
    const { ledger } = this;
    if (ledger.closed) return new Promise(() => undefined);
    if (ledger.host.isLeaving) {
      ledger.leaveToNextPass();
      return new Promise(() => undefined);
    }
    const known = this.answers.get(id);
    if (known !== undefined) return Promise.resolve(known);
    try {
      checkStepName(id, 'id', 'patch id');
    } catch (error) {
      const refusal = Promise.reject(error);
      refusal.catch(() => undefined);
      return refusal;
    }
    return Promise.resolve(this.decide(id));
  }

  private decide(id: string): boolean {
    const answer = !this.ledger.names.hasUnasked;
    this.answers.set(id, answer);
    this.ledger.host.journal.storePatches(JSON.stringify(Object.fromEntries(this.answers)));
    return answer;
  }
}
