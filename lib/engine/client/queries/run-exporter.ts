import type { ExportedRun } from '../../core/api/exported-run.types.js';
import type { RunRecord } from '../../core/api/run.types.js';
import { canBeName } from '../../core/checks/checks.js';
import { RunNotFoundError } from '../../core/errors/index.js';
import type { Sealer } from '../../core/payload/sealer.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import type { Keyspace } from '../../redis/keyspace.js';
import { toExportedRun } from '../../redis/queries/exported-run.js';
import { readAttempts } from '../../redis/queries/read-attempts.js';
import { readRun } from '../../redis/queries/read-run.js';
import { isRunSealed, openRunData } from '../../redis/run-data/open-run-data.js';
import { readFlatData } from '../../redis/run-data/read-run-data.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { parseRunData } from '../../redis/steps/stored-step.js';

/** Takes runs out of Redis, with all that a replay needs. */
export class RunExporter {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly buffer: WriteBuffer,
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
