import type { Op } from '../script/op.js';

/** Runs or events looked at in one call: docs/benchmarks.md says how long it takes. */
export const SWEEP_BATCH = 10;

/** A failure hook that nobody serves is waited for a week, or as long as ended runs are kept if that is longer. */
const HOOK_RETENTION_MS = 7 * 86_400_000;

export interface Swept {
  readonly deleted: number;
  readonly more: boolean;
}

export function sweepHistory(retentionMs: number, limit: number): Op<Swept> {
  const hookRetentionMs = Math.max(retentionMs, HOOK_RETENTION_MS);
  return { name: 'sweep_history', args: [retentionMs, hookRetentionMs, limit], parse: parseSwept };
}

export function parseSwept(reply: unknown): Swept {
  const [deleted, more] = reply as [number, number];
  return { deleted, more: more === 1 };
}
