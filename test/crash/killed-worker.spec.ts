import { describe, expect, it } from '@jest/globals';
import { ALWAYS_PARK, ownPasses } from '../support/passes.js';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';
/** With a pass per step the work grows with the square. */
const STEPS = ALWAYS_PARK ? 500 : 5_000;
const KILL_AT = STEPS - 100;

describe('a worker killed with SIGKILL', () => {
  it('inside step B of A, B, C: A ran once, B again with the same idempotency key, and the output is that of the steps', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('order', { disturb: { at: 'B' } });
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await stage.worker(FIXTURE);
    const output = await handle.result();

    const effects = await stage.effects(handle.id);
    expect(await stage.counts(handle.id)).toEqual({ start: 2, A: 1, B: 2, C: 1, end: 1 });
    expect(effects.filter(({ point }) => point === 'B').map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      `${handle.id}:B`,
      `${handle.id}:B`,
    ]);
    await stage.expectCommittedOnce(handle.id, output, effects);
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', output, attempt: 1, recoveries: 1 });
    const passes = ownPasses(await stage.client.getRunAttempts(handle.id));
    expect(passes.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'lost'],
      [1, 'succeeded'],
    ]);
    expect(passes[0].workerId).not.toBe(passes[1].workerId);
  });

  it.each([
    { at: 'start', when: 'between the claim and the first step', counts: { start: 2, A: 1, B: 1, C: 1, end: 1 } },
    { at: 'end', when: 'between the last commit and the finish', counts: { start: 2, A: 1, B: 1, C: 1, end: 2 } },
  ])('$when: no step runs twice', async ({ at, counts }) => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('order', { disturb: { at } });
    await first.exited;
    expect(await stage.run(handle.id)).toMatchObject({ status: 'running', attempt: 1, recoveries: 0 });
    await stage.worker(FIXTURE);
    const output = await handle.result();

    expect(await stage.counts(handle.id)).toEqual(counts);
    await stage.expectCommittedOnce(handle.id, output, await stage.effects());
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1 });
    expect(await stage.outcomes(handle.id)).toEqual(['lost', 'succeeded']);
  });

  it('near the end of many steps: the run finishes, and only the step in flight ran twice', async () => {
    const stage = new Stage();
    const first = await stage.worker('many-steps-worker.mjs');
    const handle = await stage.client.runByName('many-steps', { count: STEPS, killAt: KILL_AT });
    await first.exited;
    await stage.worker('many-steps-worker.mjs');
    expect(await handle.result()).toBe(((STEPS - 1) * STEPS) / 2);

    const counts = Object.entries(await stage.counts(handle.id));
    expect(counts).toHaveLength(STEPS);
    expect(counts.filter(([, count]) => count !== 1)).toEqual([[String(KILL_AT), 2]]);
    expect((await stage.client.getRunSteps(handle.id)).filter(({ status }) => status === 'succeeded')).toHaveLength(STEPS);
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1 });
  });
});
