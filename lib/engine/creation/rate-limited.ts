import { RateLimitedError } from '../core/errors/index.js';
import type { KeyedLimit } from '../core/workflows/admission.js';
import type { NewRun } from '../redis/runs/create-run.js';

/** The error of a create that was over the rate limit of its workflow. */
export function rateLimited(
  { workflow, admission }: Pick<NewRun, 'workflow' | 'admission'>,
  retryAfterMs: number,
): RateLimitedError {
  const { key, limit, periodMs } = (admission as { rateLimit: KeyedLimit }).rateLimit;
  return new RateLimitedError({ workflow, key, limit, period: periodMs, retryAfterMs });
}
