import type { Op } from '../../lib/engine/redis/script/op.js';
import { commitStep, type StepCommitted } from '../../lib/engine/redis/steps/commit-step.js';

/** Stores a completed step that has a compensation. */
export function completed(runId: string, fence: string, name: string, order: number): Op<StepCommitted> {
  const record = { kind: 'v', status: 's', attempt: 1, base: 0, elapsedMs: 0, payload: '1' } as const;
  return commitStep({ runId, fence, name, order, ...record });
}
