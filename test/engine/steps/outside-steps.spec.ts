import { describe, expect, it } from '@jest/globals';
import type { RedflowClient, WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';

const child = workflow('child', () => undefined);

/** What is warned of while a run of the workflow calls the client. */
async function warningsOf(
  name: string,
  use: (client: RedflowClient, ctx: WorkflowContext) => Promise<unknown>,
): Promise<string[]> {
  let client: RedflowClient | undefined;
  const parent = workflow(name, async (ctx: WorkflowContext) => {
    await use(client as RedflowClient, ctx);
  });
  const engine = await startEngine({ workflows: [parent, child] });
  client = engine.client;
  for (let i = 0; i < 2; i++) await (await client.run(parent, undefined)).result();
  return engine.logs.matching('warn', /outside of a step/).map(({ message }) => message);
}

describe('a client that a handler calls outside of its steps', () => {
  it('is warned of once per workflow, with what to write', async () => {
    expect(await warningsOf('runs', async (client) => (await client.run(child, undefined)).result())).toEqual([
      'The handler of workflow "runs" called the client to run "child" outside of a step: every pass of a run repeats it, after each wait, ' +
        'attempt and crash. Write ctx.step.runWorkflow() to wait for the run, ctx.step.emitWorkflow() only to start it, or call it inside ' +
        'ctx.step.run(), or give it an idempotencyKey.',
    ]);
    expect(await warningsOf('runs', (client) => client.run(child, undefined))).toEqual([]);
  });

  it.each([
    ['runs many', (client: RedflowClient) => client.runMany(child, [{ input: undefined }])],
    ['runs by name', (client: RedflowClient) => client.runByName('child', undefined)],
    ['emits', (client: RedflowClient) => client.emitEvent('told', {})],
  ])('is warned of when it %s', async (name, use) => {
    expect(await warningsOf(name, use)).toHaveLength(1);
  });

  it.each([
    ['a run id', (client: RedflowClient, { run }: WorkflowContext) => client.run(child, undefined, { runId: `of ${run.id}` })],
    [
      'an idempotency key',
      (client: RedflowClient, { run }: WorkflowContext) => client.run(child, undefined, { idempotencyKey: run.id }),
    ],
    ['an event id', (client: RedflowClient, { run }: WorkflowContext) => client.emitEvent('told', {}, { eventId: run.id })],
  ])('may do so with %s', async (name, use) => {
    expect(await warningsOf(name, use)).toEqual([]);
  });

  it('may do so inside of a step', async () => {
    const use = (client: RedflowClient, { step }: WorkflowContext) =>
      step.run('start', async () => void (await client.run(child, undefined)));
    expect(await warningsOf('in a step', use)).toEqual([]);
  });
});
