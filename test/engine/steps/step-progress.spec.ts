import { describe, expect, it } from '@jest/globals';
import type { StepContext, WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

describe('step.progress()', () => {
  it('is visible while the step runs', async () => {
    const release = gate();
    const fn = async (step: StepContext) => {
      await step.progress({ done: 1, of: 3 });
      await release.promise;
    };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('long', fn));
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    const running = await eventually(async () => (await engine.client.getRunSteps(handle.id))[0] ?? false);
    expect(running).toMatchObject({ name: 'long', kind: 'run', status: 'running', progress: { done: 1, of: 3 } });
    release.open();
    await handle.result();
  });

  it('reaches the next attempt of the run as lastProgress', async () => {
    const seen: unknown[] = [];
    const fn = async (step: StepContext) => {
      seen.push(step.lastProgress);
      await step.progress(step.attempt * 10);
      await step.progress({ page: step.attempt });
      if (step.attempt < 3) throw new Error('boom');
    };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('long', fn), { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(seen).toEqual([undefined, { page: 1 }, { page: 2 }]);
  });

  it('reaches the next attempt of the step, and survives a hand-back', async () => {
    const seen: unknown[] = [];
    const reported = gate();
    const fn = async (step: StepContext) => {
      seen.push([step.attempt, step.lastProgress]);
      if (seen.length === 1) throw new Error('boom');
      if (seen.length === 3) return;
      await step.progress('half');
      reported.open();
      await new Promise(() => undefined);
    };
    const handler = (ctx: WorkflowContext) => ctx.step.run('long', fn, { retries: { maxAttempts: 2, delay: 0 } });
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await reported.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    await engine.startWorker();
    await handle.result();
    expect(seen).toEqual([
      [1, undefined],
      [2, undefined],
      [2, 'half'],
    ]);
  });

  it('refuses what cannot be stored', async () => {
    const fn = async (step: StepContext) => [
      (await rejection(step.progress(1n))).name,
      (await rejection(step.progress('x'.repeat(200)))).name,
    ];
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('long', fn));
    const engine = await startEngine({ workflows: [flow], worker: { maxPayloadBytes: 100 } });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toEqual(['SerializationError', 'PayloadTooLargeError']);
  });

  it.each([
    ['what cannot be stored', 1n, 'SerializationError'],
    ['what is too large', 'x'.repeat(200), 'PayloadTooLargeError'],
  ])('that nobody awaits says so in the log when it refuses %s, and harms nobody', async (_, value, name) => {
    const fn = async (step: StepContext) => {
      void step.progress(value);
      await new Promise(setImmediate);
      return 'done';
    };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('long', fn));
    const engine = await startEngine({ workflows: [flow], worker: { maxPayloadBytes: 100 } });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('done');
    const [line, ...others] = engine.logs.matching('warn', /^The progress of step "long" was not stored/);
    expect(line.fields).toMatchObject({ runId: handle.id, error: { name } });
    expect(others).toEqual([]);
  });

  it('does not wait for ever where the step has timed out', async () => {
    const late = gate();
    const after = gate<string>();
    const fn = async (step: StepContext) => {
      await late.promise;
      await step.progress('late');
      after.open('stored');
    };
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.run('long', fn, { timeout: 10 }).catch(() => undefined);
      late.open();
      return ctx.step.run('next', () => after.promise);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('stored');
  });
});
