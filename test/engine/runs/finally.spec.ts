import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, workflow } from '../../support/engine.js';
import { ALWAYS_PARK } from '../../support/passes.js';

/** How often a handler began, and how often its `finally` ran. */
class Resource {
  taken = 0;
  givenBack = 0;

  async hold<T>(use: () => Promise<T>): Promise<T> {
    this.taken++;
    try {
      return await use();
    } finally {
      this.givenBack++;
    }
  }
}

describe('finally', () => {
  it('does not run in a pass that parks, and runs in the one in which the handler settles', async () => {
    const around = new Resource();
    const sleeper = workflow('sleeper', (ctx) => around.hold(() => ctx.step.waitFor('pause', '1h')));
    const engine = await startEngine({ workflows: [sleeper] });
    const handle = await engine.client.run(sleeper, undefined);
    await engine.until(handle.id, 'waiting');
    expect(around).toMatchObject({ taken: 1, givenBack: 0 });
    await engine.advance(3_600_000);
    await handle.result();
    expect(around.givenBack).toBe(1);
    expect(around.taken).toBeGreaterThan(1);
  });

  it('runs in a step, each time that it is executed', async () => {
    const inStep = new Resource();
    const sleeper = workflow('sleeper', async (ctx) => {
      await ctx.step.run('book', () => inStep.hold(async () => undefined));
      await ctx.step.waitFor('pause', 1);
    });
    const engine = await startEngine({ workflows: [sleeper] });
    await (await engine.client.run(sleeper, undefined)).result();
    expect(inStep).toMatchObject({ taken: 1, givenBack: 1 });
  });

  it('runs when the run is canceled while its handler is executing', async () => {
    const around = new Resource();
    const reached = gate();
    const busy = workflow('busy', (ctx: WorkflowContext) =>
      around.hold(async () => {
        reached.open();
        await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));
      }),
    );
    const engine = await startEngine({ workflows: [busy] });
    const handle = await engine.client.run(busy, undefined);
    await reached.promise;
    await handle.cancel();
    await engine.until(handle.id, 'canceled');
    expect(around).toMatchObject({ taken: 1, givenBack: 1 });
  });

  it('runs in the pass that undoes a run, which goes through the handler once more', async () => {
    const around = new Resource();
    const undone = workflow(
      'undone',
      (ctx) =>
        around.hold(async () => {
          await ctx.step.run('charge', () => 1, { compensate: () => undefined });
          throw new Error('no');
        }),
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [undone] });
    const handle = await engine.client.run(undone, undefined);
    await engine.until(handle.id, 'failed');
    expect(around.givenBack).toBeGreaterThanOrEqual(2);
    // In the mode that ends a pass with every step, one is dropped behind it.
    expect(around.taken - around.givenBack).toBe(ALWAYS_PARK ? 1 : 0);
  });
});
