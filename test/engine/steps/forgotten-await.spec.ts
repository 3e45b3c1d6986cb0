import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';

async function linesOf(handler: (ctx: WorkflowContext) => Promise<unknown>): Promise<string[]> {
  const flow = workflow('flow', handler);
  const engine = await startEngine({ workflows: [flow] });
  await (await engine.client.run(flow, undefined)).result();
  return engine.logs.matching('debug', /without waiting/).map(({ message }) => message);
}

describe('a run that succeeds while a step is under way', () => {
  it('says so, on the level debug, with the names', async () => {
    const lines = await linesOf(async (ctx) => {
      void ctx.step.run('mail', () => new Promise(() => undefined));
      void ctx.step.waitFor('later', '1h');
    });
    expect(lines).toEqual(['The run succeeded without waiting for "mail", "later". Unless it lost a race, an await is missing.']);
  });

  it('has nothing to say when all that was called has settled', async () => {
    const lines = await linesOf(async (ctx) => {
      await ctx.step.run('mail', () => 'sent');
      await ctx.step.waitFor('no time', 0);
    });
    expect(lines).toEqual([]);
  });
});
