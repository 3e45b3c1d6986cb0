import type { CancelOptions, CancelResult } from '../../core/api/client.types.js';
import { canBeName, checkCancelReason, rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError, RunNotFoundError } from '../../core/errors/index.js';
import { newId } from '../../core/ids.js';
import { type Cancellation, cancelRun } from '../../redis/cancellation/cancel-run.js';
import { continueCancel } from '../../redis/cancellation/continue-cancel.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { PendingCalls } from '../pending-calls.js';

const SWITCHES = ['compensate', 'failureHook'] as const;

/** Cancels runs and their descendants. */
export class RunCanceler {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
  ) {}

  /** @throws RunNotFoundError, InvalidOptionError */
  async cancel(runId: string, options: CancelOptions = {}): Promise<CancelResult> {
    rejectUnknownKeys(options, ['reason', ...SWITCHES], 'cancelRun()');
    const { reason = '', compensate = true, failureHook = false } = options;
    checkCancelReason(reason);
    for (const name of SWITCHES) {
      const given: unknown = options[name];
      if (given === undefined || typeof given === 'boolean') continue;
      throw new InvalidOptionError(name, `Expected \`${name}\` to be true or false; got ${describeValue(given)}`);
    }
    if (!canBeName(runId, 'runId')) throw new RunNotFoundError({ runId });
    return this.pending.track(() => this.write({ runId, reason, compensate, failureHook, nonce: newId() }));
  }

  private async write(cancellation: Cancellation): Promise<CancelResult> {
    const { runId } = cancellation;
    const answer = await this.buffer.add(cancelRun(cancellation));
    if (answer.status === 'MISSING') throw new RunNotFoundError({ runId });
    // Workers go on with what a crash leaves.
    if (answer.more) while (await this.buffer.add(continueCancel()));
    return { canceled: answer.status === 'YES', status: answer.runStatus };
  }
}
