import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { once, rejection, startEngine, workflow } from '../../support/engine.js';

const HOUR_MS = 3_600_000;

const charge = () => workflow('charge', () => 'charged', { rateLimit: { limit: 1, period: '1h' } });

type Ask = (ctx: WorkflowContext, child: ReturnType<typeof charge>) => Promise<unknown>;

const STEPS: Array<[kind: string, ask: Ask]> = [
  ['runWorkflow', ({ step }, child) => step.runWorkflow('charge', child, undefined)],
  ['emitWorkflow', ({ step }, child) => step.emitWorkflow('charge', child, undefined)],
  ['waitForAny', ({ step }, child) => step.waitForAny('charge', { child: { workflow: child, input: undefined } })],
];

describe.each(STEPS)('%s that was refused', (_kind, ask) => {
  it('is refused again when the handler that has caught it is replayed, though it might start by then', async () => {
    const child = charge();
    const caught: unknown[] = [];
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      caught.push(await rejection(ask(ctx, child)));
      await ctx.step.run('instead', () => 'done');
      await ctx.step.waitForEvent('go', { event: 'go', correlationKey: 'k' });
      return 'charged elsewhere';
    });
    const engine = await startEngine({ workflows: [child, parent] });
    await engine.client.run(child, undefined);
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(HOUR_MS);
    await engine.client.emitEvent('go', null, { correlationKey: 'k' });
    expect(await handle.result()).toBe('charged elsewhere');
    expect(caught.length).toBeGreaterThan(1);
    for (const error of caught) expect(error).toMatchObject({ code: 'RATE_LIMITED', workflow: 'charge' });
    expect((await engine.client.listRuns({ workflow: 'charge' })).items).toHaveLength(1);
    const [refused] = await engine.client.getRunSteps(handle.id);
    expect(refused).toMatchObject({ name: 'charge', status: 'failed', error: { code: 'RATE_LIMITED' } });
  });

  it('starts in the next attempt of a handler that has failed with it', async () => {
    const child = charge();
    const attempts: unknown[] = [];
    const parent = workflow(
      'parent',
      async (ctx: WorkflowContext) => {
        const error = await ask(ctx, child).then(
          () => undefined,
          (refusal: Error) => refusal,
        );
        await ctx.step.waitForEvent('go', { event: 'go', correlationKey: 'k' });
        attempts.push(error?.name);
        if (error) throw new Error('not yet', { cause: error });
      },
      { retries: { maxAttempts: 2, delay: '1h' } },
    );
    const engine = await startEngine({ workflows: [child, parent] });
    await engine.client.run(child, undefined);
    const handle = await engine.client.run(parent, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.client.emitEvent('go', null, { correlationKey: 'k' });
    await once(async () => (await engine.client.getRunAttempts(handle.id)).some(({ outcome }) => outcome === 'failed'));
    await engine.advance(HOUR_MS);
    await handle.result();
    expect(attempts).toEqual(['RateLimitedError', undefined]);
    expect((await engine.client.listRuns({ workflow: 'charge' })).items).toHaveLength(2);
  });
});

describe('runWorkflow that would wait in a circle', () => {
  it('is refused again when the handler is replayed, though the other run has ended: a step that asks then is not', async () => {
    const caught: unknown[] = [];
    const event = (name: string) => ({ event: name, correlationKey: 'k' });
    const first = workflow('first', ({ step }: WorkflowContext) =>
      step.runWorkflow('second', 'second', undefined, { idempotencyKey: 'second' }),
    );
    const second = workflow('second', async ({ step }: WorkflowContext) => {
      await step.waitForEvent('begin', event('begin'));
      caught.push(await rejection(step.runWorkflow('first', 'first', undefined, { idempotencyKey: 'first' })));
      await step.waitForEvent('end', event('end'));
      return (await rejection(step.runWorkflow('later', 'first', undefined, { idempotencyKey: 'first' }))).cause;
    });
    const engine = await startEngine({ workflows: [first, second] });
    const awaited = await engine.client.run(second, undefined, { idempotencyKey: 'second' });
    const waiting = await engine.client.run(first, undefined, { idempotencyKey: 'first' });
    await engine.until(waiting.id, 'waiting');
    await engine.client.emitEvent('begin', null, { correlationKey: 'k' });
    await once(async () => (await engine.client.getRunSteps(awaited.id)).some(({ name }) => name === 'end'));
    await waiting.cancel();
    await engine.client.emitEvent('end', null, { correlationKey: 'k' });
    expect(await awaited.result()).toMatchObject({ code: 'RUN_CANCELED', runId: waiting.id });
    expect(caught.length).toBeGreaterThan(1);
    for (const error of caught) expect(error).toMatchObject({ code: 'WAIT_CIRCLE', otherRunId: waiting.id });
  });
});
