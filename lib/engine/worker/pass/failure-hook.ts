import type { RunRecord } from '../../core/api/run.types.js';
import type { WorkflowContext } from '../../core/api/workflow.types.js';
import { NonRetriableError } from '../../core/errors/index.js';
import { fromStoredError } from '../../core/payload/stored-error.js';
import { resolveRetryPolicy } from '../../core/workflows/retry-policy.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { ServedWorkflow } from './pass-host.js';
import { inputOfFailed } from './run-input.js';

const MAX_ATTEMPTS = 3;

/**
 * A workflow's `onFailure` as a workflow of its own, for one failed run: with the default retries, and a timeout for each pass. It has
 * no deadline: it may wait as long as it likes, since it holds no slot then.
 * @param failed null when the failed run is gone
 * @param data of the hook: it has what was made of the failed run's input
 */
export function hookWorkflow(
  { options, onFailure, errors }: ServedWorkflow,
  failed: RunRecord | null,
  data: RunData,
): ServedWorkflow {
  const { name } = options;
  return {
    options: {
      ...options,
      retry: resolveRetryPolicy({}, MAX_ATTEMPTS, `onFailure of workflow "${name}"`),
      maxAttempts: MAX_ATTEMPTS,
      timeoutMs: undefined,
      input: undefined,
    },
    errors,
    passTimeoutMs: options.onFailureTimeoutMs,
    handler: async (ctx: WorkflowContext) => {
      if (!onFailure)
        throw new NonRetriableError(`Workflow "${name}" has no onFailure any more: the hook of this run is dropped.`);
      if (!failed?.error) throw new NonRetriableError('The failed run is gone: there is nothing to hand to onFailure.');
      const { step, signal } = ctx;
      const input = await inputOfFailed(data, failed, options.input);
      const patched = (id: string) => ctx.patched(id);
      await onFailure({ run: failed, input, error: fromStoredError(failed.error, errors), step, signal, patched });
    },
  };
}
