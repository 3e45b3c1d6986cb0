import type { ResumeOptions, RunFilter } from '../../core/api/client.types.js';
import { canBeName, rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError, RunNotBlockedError, RunNotFoundError } from '../../core/errors/index.js';
import { newId } from '../../core/ids.js';
import { findRuns } from '../../redis/queries/find-runs.js';
import type { RunCriteria } from '../../redis/queries/list-runs.js';
import { resumeRun } from '../../redis/replay/resume-run.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { PendingCalls } from '../pending-calls.js';
import { RUN_CRITERIA, resolveCriteria } from '../queries/run-criteria.js';

/** Runs that are looked at at the same time; the buffer makes several script calls of them. */
const RUNS_PER_PAGE = 1_000;

const CRITERIA = RUN_CRITERIA.filter((criterion) => criterion !== 'status');

/** Lets runs go on that are blocked by their code. */
export class RunResumer {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
  ) {}

  /** @throws RunNotFoundError, RunNotBlockedError, InvalidOptionError */
  async resume(runId: string, options: ResumeOptions = {}): Promise<void> {
    const accept = isAccepting(options, 'resumeRun()');
    if (!canBeName(runId, 'runId')) throw new RunNotFoundError({ runId });
    const resumption = { runId, nonce: newId(), accept };
    const answer = await this.pending.track(() => this.buffer.add(resumeRun(resumption)));
    if (answer === 'MISSING') throw new RunNotFoundError({ runId });
    if (answer === 'NO') throw new RunNotBlockedError({ runId });
  }

  /** @throws InvalidOptionError */
  async resumeAll(filter: Omit<RunFilter, 'status'>, options: ResumeOptions = {}): Promise<{ resumed: number }> {
    const accept = isAccepting(options, 'resumeRuns()');
    rejectUnknownKeys(filter, CRITERIA, 'resumeRuns()');
    const criteria = resolveCriteria(filter ?? {});
    if (!criteria) return { resumed: 0 };
    refuseEmpty(criteria);
    return this.pending.track(() => this.walk({ ...criteria, statuses: ['queued'] }, accept));
  }

  /** Newest first, so that runs blocked meanwhile are not resumed again. */
  private async walk(criteria: RunCriteria, accept: boolean): Promise<{ resumed: number }> {
    let resumed = 0;
    let cursor: string | undefined;
    do {
      const page = await this.buffer.add(findRuns({ ...criteria, cursor, sort: 'desc', limit: RUNS_PER_PAGE }));
      const answers = await Promise.all(page.items.map((runId) => this.buffer.add(resumeRun({ runId, nonce: newId(), accept }))));
      resumed += answers.filter((answer) => answer === 'YES').length;
      ({ cursor } = page);
    } while (cursor !== undefined);
    return { resumed };
  }
}

function isAccepting(options: ResumeOptions, where: string): boolean {
  rejectUnknownKeys(options, ['accept'], where);
  const accept: unknown = options.accept ?? false;
  if (typeof accept === 'boolean') return accept;
  throw new InvalidOptionError('accept', `Expected \`accept\` to be true or false; got ${describeValue(accept)}`);
}

function refuseEmpty({ statuses: _statuses, tags = {}, ...others }: RunCriteria): void {
  if (Object.keys(tags).length > 0 || Object.values(others).some((one) => one !== undefined)) return;
  throw new InvalidOptionError(
    'filter',
    `Expected the filter of resumeRuns() to name at least one of ${CRITERIA.join(', ')}. To resume all blocked runs use { createdAfter: 0 }`,
  );
}
