import { defineWorkflow, type RedflowClient, type WorkflowContext } from '../../lib/index.js';
import { replayRun, runInline } from '../../lib/testing/index.js';

declare class ReceiptWorkflow {
  run(ctx: WorkflowContext<{ orderId: string }>): Promise<{ text: string }>;
}

const welcome = defineWorkflow('welcome', {
  handler: async (ctx: WorkflowContext<{ userId: string }>) => {
    const answer: boolean = await ctx.patched('change');
    return { sentTo: answer ? ctx.input.userId : '' };
  },
});

/** Compiled, not run: input and output types follow from the definition or the instance. */
export async function inline(receipts: ReceiptWorkflow): Promise<void> {
  const byDefinition = await runInline(welcome, { input: { userId: 'u1' }, stepOverrides: { mail: { ok: true } } });
  byDefinition.output?.sentTo.trim();
  // @ts-expect-error the output has no such field
  byDefinition.output?.text;
  // @ts-expect-error the input of the definition is { userId: string }
  await runInline(welcome, { input: { userId: 1 } });

  const byInstance = await runInline(receipts, { input: { orderId: 'o1' }, children: [welcome] });
  byInstance.output?.text.trim();
  // @ts-expect-error the output's text is a string
  byInstance.output?.text.toFixed();
  // @ts-expect-error the input of the class is { orderId: string }
  await runInline(receipts, { input: { orderId: 1 } });
  byInstance.error?.message.trim();
  const answers: Record<string, boolean> | undefined = byInstance.run?.patches;
  await runInline(receipts, { input: { orderId: 'o1' }, patches: answers });
  // @ts-expect-error an answer is true or false
  await runInline(receipts, { input: { orderId: 'o1' }, patches: { change: 'no' } });
  byInstance.steps.map(({ name }) => name);
}

/** An exported run is replayed by a definition or an instance, whatever their input. */
export async function replayed(client: RedflowClient, receipts: ReceiptWorkflow): Promise<void> {
  const exported = await client.exportRun('r1');
  const { departures, status } = await replayRun(welcome, exported);
  departures.map(({ kind, step, insteadOf, blocks, message }) => [
    kind,
    step?.trim(),
    insteadOf?.length,
    !blocks,
    message.trim(),
  ]);
  // @ts-expect-error it is the same or departed
  if (status === 'failed') return;
  (await replayRun(receipts, exported, { grace: '1s' })).throwIfDeparted();
  // @ts-expect-error a class is no instance
  await replayRun(ReceiptWorkflow, exported);
}
