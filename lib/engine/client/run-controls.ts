import type {
  CancelOptions,
  CancelResult,
  ResumeOptions,
  RetryRunOptions,
  RunFilter,
  RunHandle,
} from '../core/api/client.types.js';
import { canBeName } from '../core/checks/checks.js';
import type { ClientParts } from './client-parts.js';
import type { CreatedRun } from './run-creator.js';

/** What a client does with runs that exist. */
export abstract class RunControls {
  constructor(protected readonly parts: ClientParts) {}

  /** A handle of an existing run; nothing is asked of Redis yet. @throws InvalidOptionError unless the id is a string */
  getHandle<O = unknown>(runId: string): RunHandle<O> {
    canBeName(runId, 'runId');
    return this.handleOf({ id: runId, deduplicated: true });
  }

  /**
   * Cancels a run and its descendants. One that is not running ends at once; a running one gets its signal aborted, starts no
   * further step, and ends when its handler settles, at the latest after the worker's `cancelGraceMs`.
   * A second cancellation, or one of a run that has ended, changes nothing and says so. `{ failureHook: true }` cancels the failure hook
   * of a run that has failed.
   * @throws RunNotFoundError, InvalidOptionError, ConnectionError
   */
  cancelRun(runId: string, options?: CancelOptions): Promise<CancelResult> {
    return this.parts.canceler.cancel(runId, options);
  }

  /**
   * Cancels all runs that match and have not ended, each as {@link cancelRun} does; runs created meanwhile are left. Statuses are
   * those that a run must still be in.
   * @returns how many this call has canceled, without their descendants
   * @throws InvalidOptionError, for a filter without any criterion too; ConnectionError, after which some may be canceled
   */
  cancelRuns(
    filter: Omit<RunFilter, 'sort' | 'limit' | 'cursor'>,
    options?: { reason?: string | undefined },
  ): Promise<{ canceled: number }> {
    return this.parts.bulkCanceler.cancel(filter, options);
  }

  /**
   * Lets a failed or canceled run go on in place: completed steps are kept; attempts, deadline and recoveries start anew. Child steps
   * that failed it look at their child again, so retry the child first. Of racing retries one wins. The run keeps its version;
   * `{ version }` pins it to another one.
   * @throws RetryRefusedError, RunNotFoundError, UnknownVersionError, InvalidOptionError, ConnectionError
   */
  async retryRun<O = unknown>(runId: string, options?: RetryRunOptions): Promise<RunHandle<O>> {
    await this.parts.retrier.retry(runId, options);
    return this.getHandle(runId);
  }

  /**
   * Lets a run that is blocked by its code, or the blocked failure hook of a failed run, be executed again, now. With `{ accept: true }` the
   * steps that it missed (`blocked.missing` of its record) are left behind: they are missed no more, and undone only if the handler
   * reaches them.
   * @throws RunNotFoundError, RunNotBlockedError, InvalidOptionError, ConnectionError
   * @example
   * const [run] = (await client.listRuns({ workflow: 'order' })).items;
   * if (run?.blockedBy === 'code') await client.resumeRun(run.id, { accept: true });
   */
  resumeRun(runId: string, options?: ResumeOptions): Promise<void> {
    return this.parts.resumer.resume(runId, options);
  }

  /**
   * Resumes all runs that match and are blocked by their code, each as {@link resumeRun} does. Blocked failure hooks are resumed one by one.
   * @returns how many
   * @throws InvalidOptionError, for a filter without any criterion too; ConnectionError, after which some may be resumed
   */
  resumeRuns(
    filter: Omit<RunFilter, 'status' | 'sort' | 'limit' | 'cursor'>,
    options?: ResumeOptions,
  ): Promise<{ resumed: number }> {
    return this.parts.resumer.resumeAll(filter, options);
  }

  protected handleOf<O>(created: CreatedRun): RunHandle<O> {
    return this.parts.handleOf<O>(created);
  }
}
