import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** Runs or events looked at in one call: docs/benchmarks.md says how long it takes. */
export const SWEEP_BATCH = 10;

/** A failure hook that nobody serves is waited for a week, or as long as ended runs are kept if that is longer. */
const HOOK_RETENTION_MS = 7 * 86_400_000;

export interface Swept {
  readonly deleted: number;
  readonly more: boolean;
}

const SWEEP_HISTORY = defineOperation({
  name: 'sweep_history',
  args: ['retention', 'hook_retention', 'limit'],
  reply: parseSwept,
});

export function sweepHistory(retentionMs: number, limit: number): Op<Swept> {
  const hookRetentionMs = Math.max(retentionMs, HOOK_RETENTION_MS);
  return SWEEP_HISTORY({ retention: retentionMs, hook_retention: hookRetentionMs, limit });
}

export function parseSwept(reply: unknown): Swept {
  const [deleted, more] = reply as [number, number];
  return { deleted, more: more === 1 };
}
