import type { WorkflowContext } from '../../lib/index.js';

/** Compiled, not run: a compensation gets the stored output of its step. */
export async function compensations(ctx: WorkflowContext): Promise<void> {
  const seat = await ctx.step.run('book', () => ({ id: 's1', at: new Date() }), {
    compensate: (output, { idempotencyKey, error, signal }) => {
      // @ts-expect-error a Date is stored as a string
      output.at.getTime();
      return [output.id.trim(), output.at.trim(), idempotencyKey, error?.message, signal.aborted];
    },
  });
  seat.id.trim();
  await ctx.step.run('async', async () => 5, { compensate: { run: (output) => output.toFixed(), retries: { maxAttempts: 2 } } });
  // @ts-expect-error the output is a number
  await ctx.step.run('wrong', () => 5, { compensate: (output: string) => output.trim() });
}
