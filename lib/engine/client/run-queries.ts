import { checkName, checkPositiveInteger, checkRunId, rejectUnknownKeys } from '../core/checks.js';
import type { Page, RunFilter, Stats } from '../core/client.types.js';
import { InvalidOptionError } from '../core/errors/index.js';
import type { AttemptRecord, RunRecord, StepRecord } from '../core/run.types.js';
import type { Sealer } from '../core/sealer.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { RedisConnection } from '../redis/connection.js';
import { type Keyspace, RUN_STATUSES } from '../redis/keyspace.js';
import { listRuns } from '../redis/list-runs.js';
import { isRunSealed, openRunData } from '../redis/open-run-data.js';
import { readAttempts } from '../redis/read-attempts.js';
import { readData } from '../redis/read-data.js';
import { readRun } from '../redis/read-run.js';
import { readRunData } from '../redis/read-run-data.js';
import { readStats } from '../redis/read-stats.js';
import { toStepRecords } from '../redis/stored-step.js';
import { checkCursor, checkSort, checkTime } from './page-checks.js';

const FILTER_KEYS = [
  'status',
  'workflow',
  'queue',
  'createdAfter',
  'createdBefore',
  'sort',
  'limit',
  'cursor',
] as const satisfies ReadonlyArray<keyof RunFilter>;

/** Reads of runs and of the state of the whole. */
export class RunQueries {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: CommitBuffer,
    private readonly sealer: Sealer,
  ) {}

  getRun(runId: string): Promise<RunRecord | null> {
    checkRunId(runId);
    return this.buffer.add(readRun(runId));
  }

  async getRunSteps(runId: string): Promise<StepRecord[]> {
    checkRunId(runId);
    const stored = (await this.buffer.add(readData(runId))) ?? (await readRunData(this.connection, this.keys, runId));
    return toStepRecords(isRunSealed(stored) ? await openRunData(stored, runId, this.sealer) : stored);
  }

  async getRunAttempts(runId: string): Promise<AttemptRecord[]> {
    checkRunId(runId);
    return this.buffer.add(readAttempts(runId));
  }

  async listRuns(filter: RunFilter = {}): Promise<Page<RunRecord>> {
    rejectUnknownKeys(filter, FILTER_KEYS, 'listRuns()');
    const { status, workflow, queue, createdAfter, createdBefore, sort = 'desc', limit = 50, cursor } = filter;
    const statuses = status === undefined ? [] : [status].flat();
    for (const one of statuses) {
      if (!RUN_STATUSES.includes(one))
        throw new InvalidOptionError('status', `Expected \`status\` to be one of ${RUN_STATUSES.join(', ')}; got '${one}'`);
    }
    checkSort(sort);
    checkCursor(cursor);
    if (workflow !== undefined) checkName(workflow, 'workflow');
    if (queue !== undefined) checkName(queue, 'queue');
    if (createdAfter !== undefined) checkTime(createdAfter, 'createdAfter');
    if (createdBefore !== undefined) checkTime(createdBefore, 'createdBefore');
    checkPositiveInteger(limit, 'limit', { max: 1_000 });
    return this.buffer.add(listRuns({ cursor, sort, limit, statuses, workflow, queue, createdAfter, createdBefore }));
  }

  getStats(): Promise<Stats> {
    return this.buffer.add(readStats());
  }
}
