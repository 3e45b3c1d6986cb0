import type { RunFilter } from '../../core/api/client.types.js';
import type { RunStatus } from '../../core/api/run.types.js';
import { checkCancelReason, rejectUnknownKeys } from '../../core/checks/checks.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { newId } from '../../core/ids.js';
import { cancelRun } from '../../redis/cancellation/cancel-run.js';
import { continueCancel } from '../../redis/cancellation/continue-cancel.js';
import { findRuns } from '../../redis/queries/find-runs.js';
import type { RunCriteria } from '../../redis/queries/list-runs.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { PendingCalls } from '../pending-calls.js';
import { RUN_CRITERIA, resolveCriteria } from '../queries/run-criteria.js';

const OPEN: readonly RunStatus[] = ['scheduled', 'queued', 'running', 'waiting'];

/** Runs that are canceled at the same time; the buffer makes several script calls of them. */
const RUNS_PER_PAGE = 1_000;

/** Cancels all runs that a filter matches. */
export class BulkCanceler {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
  ) {}

  /** @throws InvalidOptionError */
  async cancel(filter: RunFilter, options: { reason?: string | undefined } = {}): Promise<{ canceled: number }> {
    rejectUnknownKeys(options, ['reason'], 'cancelRuns()');
    const { reason = '' } = options;
    checkCancelReason(reason);
    const criteria = openRunsOf(filter);
    return criteria ? this.pending.track(() => this.walk(criteria, reason)) : { canceled: 0 };
  }

  /** Newest first, so that runs created meanwhile are none of those. */
  private async walk(criteria: RunCriteria, reason: string): Promise<{ canceled: number }> {
    let canceled = 0;
    let cursor: string | undefined;
    do {
      const page = await this.buffer.add(findRuns({ ...criteria, cursor, sort: 'desc', limit: RUNS_PER_PAGE }));
      canceled += await this.cancelAll(page.items, criteria, reason);
      ({ cursor } = page);
    } while (cursor !== undefined);
    return { canceled };
  }

  private async cancelAll(runIds: readonly string[], { statuses: only }: RunCriteria, reason: string): Promise<number> {
    const answers = await Promise.all(
      runIds.map((runId) => this.buffer.add(cancelRun({ runId, reason, compensate: true, nonce: newId(), only }))),
    );
    // Workers go on with what a crash leaves.
    if (answers.some((answer) => answer.status !== 'MISSING' && answer.more)) while (await this.buffer.add(continueCancel()));
    return answers.filter(({ status }) => status === 'YES').length;
  }
}

/** Undefined for criteria that no run can meet. */
function openRunsOf(filter: RunFilter): RunCriteria | undefined {
  rejectUnknownKeys(filter, RUN_CRITERIA, 'cancelRuns()');
  const criteria = resolveCriteria(filter ?? {});
  if (!criteria) return undefined;
  const { statuses, tags = {}, ...others } = criteria;
  const ended = statuses.find((status) => !OPEN.includes(status));
  if (ended !== undefined) {
    throw new InvalidOptionError(
      'status',
      `Expected \`status\` to be some of ${OPEN.join(', ')}: runs that are ${ended} have ended`,
    );
  }
  const isEmpty =
    statuses.length === 0 && Object.keys(tags).length === 0 && Object.values(others).every((one) => one === undefined);
  if (isEmpty) {
    const all = OPEN.map((status) => `'${status}'`).join(', ');
    throw new InvalidOptionError(
      'filter',
      `Expected the filter of cancelRuns() to name at least one of ${RUN_CRITERIA.join(', ')}. To cancel all runs use { status: [${all}] }`,
    );
  }
  return { ...criteria, statuses: statuses.length === 0 ? OPEN : statuses };
}
