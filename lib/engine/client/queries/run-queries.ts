import type { Page, RunFilter, Stats, WorkflowVersions } from '../../core/api/client.types.js';
import type { AttemptRecord, RunRecord, StepRecord } from '../../core/api/run.types.js';
import type { WorkflowRegistry } from '../../core/api/workflow.types.js';
import { canBeName, checkPositiveInteger, rejectUnknownKeys } from '../../core/checks/checks.js';
import type { Sealer } from '../../core/payload/sealer.js';
import { DEFAULT_QUEUE } from '../../core/workflows/resolve-workflow.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import type { Keyspace } from '../../redis/keyspace.js';
import { listRuns } from '../../redis/queries/list-runs.js';
import { readAttempts } from '../../redis/queries/read-attempts.js';
import { readRun } from '../../redis/queries/read-run.js';
import { readStats } from '../../redis/queries/read-stats.js';
import type { WorkflowMetas } from '../../redis/registry/workflow-metas.js';
import { isRunSealed, openRunData } from '../../redis/run-data/open-run-data.js';
import { readAnyRunData } from '../../redis/run-data/read-run-data.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { toStepRecords } from '../../redis/steps/stored-step.js';
import { readVersions } from '../../redis/versions/read-versions.js';
import { checkCursor, checkSort } from './page-checks.js';
import { PAGE_KEYS, RUN_CRITERIA, resolveCriteria } from './run-criteria.js';

/** Reads of runs and of the state of the whole. */
export class RunQueries {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: WriteBuffer,
    private readonly sealer: Sealer,
    private readonly registry: WorkflowRegistry,
    private readonly metas: Pick<WorkflowMetas, 'versionsOf'>,
  ) {}

  async getRun(runId: string): Promise<RunRecord | null> {
    return canBeName(runId, 'runId') ? this.buffer.add(readRun(runId)) : null;
  }

  async getRunSteps(runId: string): Promise<StepRecord[]> {
    if (!canBeName(runId, 'runId')) return [];
    const stored = await readAnyRunData(this.buffer, this.connection, this.keys, runId);
    return toStepRecords(isRunSealed(stored) ? await openRunData(stored, runId, this.sealer) : stored);
  }

  async getRunAttempts(runId: string): Promise<AttemptRecord[]> {
    return canBeName(runId, 'runId') ? this.buffer.add(readAttempts(runId)) : [];
  }

  async listRuns(filter: RunFilter = {}): Promise<Page<RunRecord>> {
    rejectUnknownKeys(filter, [...RUN_CRITERIA, ...PAGE_KEYS], 'listRuns()');
    const { sort = 'desc', limit = 50, cursor } = filter;
    checkSort(sort);
    checkCursor(cursor);
    checkPositiveInteger(limit, 'limit', { max: 1_000 });
    const criteria = resolveCriteria(filter);
    return criteria ? this.buffer.add(listRuns({ ...criteria, cursor, sort, limit })) : { items: [] };
  }

  async getVersions(workflow: string): Promise<WorkflowVersions> {
    if (!canBeName(workflow, 'workflow')) return { versions: [], unpinned: { openRuns: 0, workers: 0 }, patches: [] };
    return this.buffer.add(readVersions(workflow, await this.metas.versionsOf(workflow)));
  }

  async getStats(): Promise<Stats> {
    const known = this.registry.list().map(({ name, options }) => ({ workflow: name, queue: options.queue ?? DEFAULT_QUEUE }));
    return this.buffer.add(readStats(known));
  }
}
