import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, once, startEngine, workflow } from '../../support/engine.js';

const SLEEPERS = 10_000;

describe('parked runs', () => {
  it('hold no slot: with concurrency 1 and 10,000 of them a new run starts at once', async () => {
    const nap = workflow('nap', (ctx: WorkflowContext) => ctx.step.waitFor('nap', '30d'));
    const quick = workflow('quick', () => 'quick');
    const engine = await startEngine({ workflows: [nap, quick], worker: { concurrency: 200 } });
    await engine.client.runMany(
      nap,
      Array.from({ length: SLEEPERS }, () => ({ input: undefined })),
    );
    const waiting = () => engine.redis.zcard(engine.key('due'));
    await once(async () => (await waiting()) === SLEEPERS, 'all of them sleep');
    await engine.worker.stop();
    await engine.startWorker({ concurrency: 1 });
    const handle = await engine.client.run(quick, undefined);
    expect(await handle.result()).toBe('quick');
    const { startedAt = Number.NaN, createdAt } = await handle.getState();
    expect(startedAt - createdAt).toBeLessThan(1_000);
    expect(await waiting()).toBe(SLEEPERS);
  });

  it('are not written to by a branch that goes on after the park', async () => {
    const late = gate();
    const called = gate();
    const effects: string[] = [];
    let passes = 0;
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      const branch = async () => {
        await late.promise;
        const calls = [
          ctx.step.run('step', () => effects.push('step')),
          ctx.step.waitFor('sleep', 1),
          ctx.step.waitForEvent('event', { event: 'e', correlationKey: 'k' }),
          ctx.step.waitForAny('any', { timer: { for: 1 } }),
          ctx.step.runWorkflow('child', 'flow', undefined),
          ctx.step.emitWorkflow('emitted', 'flow', undefined),
          ctx.step.emitEvent('emit', 'e', null),
        ];
        for (const call of calls) call.finally(() => effects.push('settled')).catch(() => undefined);
        called.open();
      };
      if (++passes === 1) void branch();
      await ctx.step.waitFor('nap', '30d');
    });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const parked = await engine.until(handle.id, 'waiting');
    const steps = await engine.client.getRunSteps(handle.id);
    late.open();
    await called.promise;
    // A run that came later has been served since by the same worker: what the branch wrote would be there.
    const later = await engine.client.run(flow, undefined);
    await engine.until(later.id, 'waiting');
    expect(effects).toEqual([]);
    expect(await handle.getState()).toEqual(parked);
    expect(await engine.client.getRunSteps(handle.id)).toEqual(steps);
    expect((await engine.client.listRuns()).items.map(({ id }) => id)).toEqual([later.id, handle.id]);
    expect((await engine.client.listEvents()).items).toEqual([]);
  });
});
