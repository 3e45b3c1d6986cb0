import { canBeName, checkCancelReason, rejectUnknownKeys } from '../core/checks.js';
import type { CancelOptions, CancelResult } from '../core/client.types.js';
import { describeValue } from '../core/describe-value.js';
import { InvalidOptionError, RunNotFoundError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { cancelRun } from '../redis/cancel-run.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { continueCancel } from '../redis/continue-cancel.js';
import type { PendingCalls } from './pending-calls.js';

/** Cancels runs and their descendants. */
export class RunCanceler {
  constructor(
    private readonly buffer: CommitBuffer,
    private readonly pending: PendingCalls,
  ) {}

  /** @throws RunNotFoundError, InvalidOptionError */
  async cancel(runId: string, options: CancelOptions = {}): Promise<CancelResult> {
    rejectUnknownKeys(options, ['reason', 'compensate'], 'cancelRun()');
    const { reason = '', compensate = true } = options;
    checkCancelReason(reason);
    if (typeof compensate !== 'boolean') {
      throw new InvalidOptionError('compensate', `Expected \`compensate\` to be true or false; got ${describeValue(compensate)}`);
    }
    if (!canBeName(runId, 'runId')) throw new RunNotFoundError({ runId });
    return this.pending.track(() => this.write(runId, reason, compensate));
  }

  private async write(runId: string, reason: string, compensate: boolean): Promise<CancelResult> {
    const answer = await this.buffer.add(cancelRun({ runId, reason, compensate, nonce: newId() }));
    if (answer.status === 'MISSING') throw new RunNotFoundError({ runId });
    // Workers go on with what a crash leaves.
    if (answer.more) while (await this.buffer.add(continueCancel()));
    return { canceled: answer.status === 'YES', status: answer.runStatus };
  }
}
