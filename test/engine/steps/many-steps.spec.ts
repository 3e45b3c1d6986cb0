import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';
import { ALWAYS_PARK } from '../../support/passes.js';

/** Every pass replays what is there: with a pass per step the work grows with the square. */
const STEPS = ALWAYS_PARK ? 500 : 5_000;

describe(`${STEPS} steps in one run`, () => {
  it.each(['one after the other', 'in parallel'])('%s, are executed once each and replayed', async (how) => {
    const calls = new Map<number, number>();
    const handler = async (ctx: WorkflowContext) => {
      const step = (i: number) =>
        ctx.step.run(`step ${i}`, () => {
          calls.set(i, (calls.get(i) ?? 0) + 1);
          return i;
        });
      let sum = 0;
      const numbers = Array.from({ length: STEPS }, (_, i) => i);
      if (how === 'in parallel') for (const value of await Promise.all(numbers.map(step))) sum += value;
      else for (const i of numbers) sum += await step(i);
      await ctx.step.waitFor('nap', '1h');
      if (ctx.run.attempt === 1) throw new Error('once more');
      return sum;
    };
    const flow = workflow('flow', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await handle.result()).toBe((STEPS * (STEPS - 1)) / 2);
    expect(calls.size).toBe(STEPS);
    expect([...calls.values()].every((count) => count === 1)).toBe(true);
    const steps = await engine.client.getRunSteps(handle.id);
    expect(steps).toHaveLength(STEPS + 1);
    expect(steps.every(({ status }) => status === 'succeeded')).toBe(true);
  });
});

describe('what a run issues in one turn, more than a call takes,', () => {
  const MANY = ALWAYS_PARK ? 2_000 : 20_000;

  it(`works for ${MANY} steps in parallel, and executes nothing of its neighbours twice`, async () => {
    const executed = { many: 0, neighbours: 0 };
    const many = workflow('many', async (ctx: WorkflowContext) => {
      const steps = Array.from({ length: MANY }, (_, i) => ctx.step.run(`step ${i}`, () => executed.many++));
      return (await Promise.all(steps)).length;
    });
    const neighbour = workflow('neighbour', async (ctx: WorkflowContext) => {
      for (let i = 0; i < 20; i++) await ctx.step.run(`step ${i}`, () => executed.neighbours++);
    });
    const engine = await startEngine({ workflows: [many, neighbour] });
    const handle = await engine.client.run(many, undefined);
    const neighbours = await Promise.all(Array.from({ length: 5 }, () => engine.client.run(neighbour, undefined)));
    expect(await handle.result()).toBe(MANY);
    for (const one of neighbours) await one.result();
    expect(executed).toEqual({ many: MANY, neighbours: 100 });
    expect(engine.logs.matching('warn', /./)).toEqual([]);
  });

  it('works for 7,000 children', async () => {
    const child = workflow('child', async () => undefined);
    const many = workflow('many', async (ctx: WorkflowContext) => {
      const ids = Array.from({ length: 7_000 }, (_, i) =>
        ctx.step.emitWorkflow(`child ${i}`, child, undefined, { queue: 'unserved' }),
      );
      return new Set(await Promise.all(ids)).size;
    });
    const engine = await startEngine({ workflows: [many] });
    expect(await (await engine.client.run(many, undefined)).result()).toBe(7_000);
  });
});
