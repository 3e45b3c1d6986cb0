import type { CancelOptions, CancelResult, RunHandle } from '../../core/api/client.types.js';
import type { RunRecord } from '../../core/api/run.types.js';
import { canBeName, checkPositiveInteger, rejectUnknownKeys } from '../../core/checks/checks.js';
import { RunNotFoundError } from '../../core/errors/index.js';
import type { RunCanceler } from '../cancellation/run-canceler.js';
import type { RunQueries } from '../queries/run-queries.js';
import type { ResultListener } from './result-listener.js';

interface ResultOptions {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const RESULT_OPTIONS = ['timeoutMs', 'signal'] as const;

/** A run, as its creator holds it. */
export class ClientRunHandle<O> implements RunHandle<O> {
  constructor(
    readonly id: string,
    readonly deduplicated: boolean,
    private readonly queries: RunQueries,
    private readonly results: ResultListener,
    private readonly canceler: RunCanceler,
  ) {}

  async getState(): Promise<RunRecord<unknown, O>> {
    const run = await this.queries.getRun(this.id);
    if (!run) throw new RunNotFoundError({ runId: this.id });
    return run as RunRecord<unknown, O>;
  }

  result(options?: ResultOptions): Promise<O> {
    const result = this.awaitEnd(options);
    // What became of the run is on the run: a promise that is awaited later, or never, must not end the process.
    result.catch(() => undefined);
    return result;
  }

  private async awaitEnd(options: ResultOptions = {}): Promise<O> {
    rejectUnknownKeys(options, RESULT_OPTIONS, 'result()');
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined) checkPositiveInteger(timeoutMs, 'timeoutMs', { min: 0 });
    if (!canBeName(this.id, 'runId')) throw new RunNotFoundError({ runId: this.id });
    return (await this.results.result(this.id, timeoutMs, signal)) as O;
  }

  cancel(options?: CancelOptions): Promise<CancelResult> {
    return this.canceler.cancel(this.id, options);
  }
}
