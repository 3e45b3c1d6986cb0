import { describe, expect, it } from '@jest/globals';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';

describe('a worker stopped with SIGSTOP past its lease and continued', () => {
  // The process stops itself at the point: when it goes on, its write leaves before its heartbeat can learn of the loss.
  it.each([
    { at: 'B', what: 'a step record', counts: { start: 2, A: 1, B: 2, C: 1, end: 1 } },
    { at: 'end', what: 'the output', counts: { start: 2, A: 1, B: 1, C: 1, end: 2 } },
  ])('is refused $what it writes late, and goes on with other runs', async ({ at, counts }) => {
    const stage = new Stage();
    const frozen = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('order', { disturb: { at, signal: 'SIGSTOP' } });
    const second = await stage.worker(FIXTURE);
    const output = await handle.result();
    const run = await stage.run(handle.id);
    const steps = await stage.client.getRunSteps(handle.id);
    const passes = await stage.client.getRunAttempts(handle.id);
    expect(run).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1 });
    expect(passes.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
    await stage.expectCommittedOnce(handle.id, output, await stage.effects());

    await second.kill('SIGTERM');
    frozen.signal('SIGCONT');
    await frozen.waitForLine('lost its lease');
    const next = await stage.client.runByName('order', {});
    await next.result();
    expect((await stage.effects(next.id)).map(({ pid }) => pid)).toEqual(Array(5).fill(frozen.pid));
    expect((await stage.run(next.id)).workerId).toBe(passes[0].workerId);

    expect(await stage.run(handle.id)).toEqual(run);
    expect(await stage.client.getRunSteps(handle.id)).toEqual(steps);
    expect(await stage.client.getRunAttempts(handle.id)).toEqual(passes);
    expect(await stage.counts(handle.id)).toEqual(counts);
  });

  it('keeps its runs if nobody took them meanwhile', async () => {
    const stage = new Stage();
    const frozen = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('patient', { forMs: 500 });
    await frozen.waitForLine(/^ready/);
    frozen.signal('SIGSTOP');
    frozen.signal('SIGCONT');
    expect(await handle.result()).toBe('done');
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 0 });
  });
});
