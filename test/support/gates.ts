import type { AttemptRecord, RunRecord } from '../../lib/engine/index.js';
import { type Engine, once } from './engine.js';
import { keysUnder } from './namespace.js';

/** Keys under which gates say who holds something, or waits. */
export async function gateKeysUnder(prefix: string): Promise<string[]> {
  return (await keysUnder(prefix)).filter((key) => /\}:(mutex|slots|waiting|line|passed|handed):/.test(key));
}

export function gateKeys(engine: Engine): Promise<string[]> {
  return gateKeysUnder(engine.prefix);
}

/** The run, once it waits at a gate. */
export function untilBlocked(engine: Engine, runId: string, gate: RunRecord['blockedBy']): Promise<RunRecord> {
  return once(async () => {
    const run = await engine.client.getRun(runId);
    return run?.status === 'queued' && run.blockedBy === gate && run;
  }, `run ${runId} waits at ${gate}`);
}

export type Span = Required<Pick<AttemptRecord, 'startedAt' | 'finishedAt'>>;

/** Fails to compile into a span what has not ended. */
export function spanOf({ startedAt, finishedAt }: Pick<RunRecord, 'startedAt' | 'finishedAt'>): Span {
  if (startedAt === undefined || finishedAt === undefined) throw new Error('It has not ended.');
  return { startedAt, finishedAt };
}

/** How many spans there are at most at one time; one that ends when another begins is over. */
export function mostAtOnce(spans: readonly Span[]): number {
  const changes = spans.flatMap(({ startedAt, finishedAt }) => [
    { at: startedAt, by: 1 },
    { at: finishedAt, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let current = 0;
  let most = 0;
  for (const { by } of changes) {
    current += by;
    most = Math.max(most, current);
  }
  return most;
}

/** The shortest time in which `limit` + 1 of the runs started: with a throttle no less than its period. */
export function shortestWindow(runs: ReadonlyArray<Pick<RunRecord, 'startedAt'>>, limit: number): number {
  const starts = runs.flatMap(({ startedAt }) => startedAt ?? []).sort((a, b) => a - b);
  return Math.min(...starts.slice(limit).map((start, index) => start - starts[index]));
}
