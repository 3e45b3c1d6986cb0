import { canBeName } from '../core/checks.js';
import { RunNotFoundError } from '../core/errors/index.js';
import type { ExportedRun } from '../core/exported-run.types.js';
import type { RunRecord } from '../core/run.types.js';
import type { Sealer } from '../core/sealer.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { RedisConnection } from '../redis/connection.js';
import { toExportedRun } from '../redis/exported-run.js';
import type { Keyspace } from '../redis/keyspace.js';
import { isRunSealed, openRunData } from '../redis/open-run-data.js';
import { readAttempts } from '../redis/read-attempts.js';
import { readRun } from '../redis/read-run.js';
import { readFlatData } from '../redis/read-run-data.js';
import { parseRunData } from '../redis/stored-step.js';

/** Takes runs out of Redis, with all that a replay needs. */
export class RunExporter {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: CommitBuffer,
    private readonly sealer: Sealer,
  ) {}

  /** @throws RunNotFoundError, CodecError */
  async export(runId: string): Promise<ExportedRun> {
    let seen = await this.read(runId);
    for (;;) {
      const flat = await readFlatData(this.buffer, this.connection, this.keys, runId);
      const stored = parseRunData(flat);
      const data = isRunSealed(stored) ? await openRunData(stored, runId, this.sealer) : stored;
      const attempts = await this.buffer.add(readAttempts(runId));
      const run = await this.read(runId);
      // Its steps are read in calls of their own: they must not be those of a run that had not ended, or of another attempt.
      if (phaseOf(run) === phaseOf(seen)) return toExportedRun(run, attempts, flat, data);
      seen = run;
    }
  }

  private async read(runId: string): Promise<RunRecord> {
    const run = canBeName(runId, 'runId') ? await this.buffer.add(readRun(runId)) : null;
    if (!run) throw new RunNotFoundError({ runId });
    return run;
  }
}

function phaseOf({ attempt, finishedAt, compensating, trigger }: RunRecord): string {
  return JSON.stringify([attempt, finishedAt, compensating, trigger]);
}
