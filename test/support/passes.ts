import type { AttemptRecord } from '../../lib/engine/index.js';

/** The suite runs in the mode where every completed step ends its pass: see `lib/engine/worker/steps/always-park.ts`. */
export const ALWAYS_PARK = process.env.REDFLOW_TEST_ALWAYS_PARK === '1';

/** What the passes of a run saw, in order. In the mode that adds passes, only what differs: they must have seen the same. */
export function perPass<T>(seen: readonly T[]): T[] {
  if (!ALWAYS_PARK) return [...seen];
  return [...new Map(seen.map((value) => [JSON.stringify(value), value])).values()];
}

/** The passes that a run has without those that the mode has added. */
export function ownPasses(attempts: readonly AttemptRecord[]): AttemptRecord[] {
  return attempts.filter(({ outcome }) => !ALWAYS_PARK || outcome !== 'handed_back');
}
