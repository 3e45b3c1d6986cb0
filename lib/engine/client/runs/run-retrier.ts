import type { RetryRunOptions } from '../../core/api/client.types.js';
import { canBeName, checkObject, checkVersion, rejectUnknownKeys } from '../../core/checks/checks.js';
import { RetryRefusedError, RunNotFoundError } from '../../core/errors/index.js';
import { newId } from '../../core/ids.js';
import type { WorkflowDirectory } from '../../creation/workflow-directory.js';
import { continueCancel } from '../../redis/cancellation/continue-cancel.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import type { Keyspace } from '../../redis/keyspace.js';
import { readRun } from '../../redis/queries/read-run.js';
import { readAnyRunData } from '../../redis/run-data/read-run-data.js';
import { type RetryAnswer, retryRun } from '../../redis/runs/retry-run.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { PendingCalls } from '../pending-calls.js';
import { reopeningsOf, stepsToReopen } from './reopened-steps.js';

/** Lets ended runs go on. */
export class RunRetrier {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly directory: Pick<WorkflowDirectory, 'checkVersion'>,
  ) {}

  /** @throws RunNotFoundError, RetryRefusedError, UnknownVersionError, InvalidOptionError */
  async retry(runId: string, options: RetryRunOptions = {}): Promise<void> {
    checkObject(options, 'the options of retryRun()');
    rejectUnknownKeys(options, ['version'], 'retryRun()');
    const { version } = options;
    if (version !== undefined) checkVersion(version);
    if (!canBeName(runId, 'runId')) throw new RunNotFoundError({ runId });
    const answer = await this.pending.track(() => this.decide(runId, newId(), version));
    if (answer === 'MISSING') throw new RunNotFoundError({ runId });
    if (answer !== 'OK') throw new RetryRefusedError({ runId, reason: answer });
  }

  private async decide(
    runId: string,
    nonce: string,
    version: string | undefined,
  ): Promise<Exclude<RetryAnswer, 'CHANGED' | 'CANCELING'>> {
    for (;;) {
      const answer = await this.attempt(runId, nonce, version);
      // Children that the retried run starts must not be taken for those of the canceled one.
      if (answer === 'CANCELING') while (await this.buffer.add(continueCancel()));
      else if (answer !== 'CHANGED') return answer;
    }
  }

  private async attempt(runId: string, nonce: string, version: string | undefined): Promise<RetryAnswer> {
    const run = await this.buffer.add(readRun(runId));
    if (!run) return 'MISSING';
    if (version !== undefined) await this.directory.checkVersion(run.workflow, version);
    const hasEnded = run.status === 'failed' || run.status === 'canceled';
    const data = hasEnded ? await readAnyRunData(this.buffer, this.connection, this.keys, runId) : undefined;
    const reopened = data ? stepsToReopen(run, data) : [];
    const reopenings = data ? reopeningsOf(reopened, data) : '';
    return this.buffer.add(retryRun({ runId, nonce, endedAt: run.finishedAt ?? 0, version, reopenings, reopened }));
  }
}
