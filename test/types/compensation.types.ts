import type { WorkflowContext } from '../../lib/index.js';

/** Compiled, not run: a compensation gets the stored output of its step. */
export async function compensations(ctx: WorkflowContext): Promise<void> {
  const seat = await ctx.step.run('book', () => ({ id: 's1', at: new Date() }), {
    compensate: (output, { idempotencyKey, stepIdempotencyKey, outcome, error, signal }) => {
      // @ts-expect-error undefined where the outcome is unknown
      output.id.trim();
      // @ts-expect-error a Date is stored as a string
      output?.at.getTime();
      // @ts-expect-error there are two outcomes
      if (outcome === 'failed') return [];
      return [output?.id.trim(), output?.at.trim(), idempotencyKey, stepIdempotencyKey.trim(), error?.message, signal.aborted];
    },
  });
  seat.id.trim();
  await ctx.step.run('async', async () => 5, {
    compensate: { run: (output) => output?.toFixed(), retries: { maxAttempts: 2 }, timeout: '1m', unknown: 'report' },
  });
  // @ts-expect-error the output is a number
  await ctx.step.run('wrong', () => 5, { compensate: (output: string) => output.trim() });
}
