import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ownPasses } from '../support/passes.js';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';

// The process stops itself at the point: when it goes on, its write leaves before its heartbeat can learn of the loss.
describe('a worker stopped with SIGSTOP past its lease and continued', () => {
  it('is refused a step record while another worker executes the run', async () => {
    const stage = new Stage();
    const frozen = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('order', { disturb: { at: 'B', signal: 'SIGSTOP' }, hold: 'C' });
    await stage.worker(FIXTURE);
    await eventually(async () => expect(await stage.counts(handle.id)).toEqual({ start: 2, A: 1, B: 2, C: 1 }));
    const steps = (await stage.client.getRunSteps(handle.id)).slice(0, 2);

    frozen.signal('SIGCONT');
    await frozen.waitForLine('late writes are refused');
    expect((await stage.client.getRunSteps(handle.id)).slice(0, 2)).toEqual(steps);
    await stage.openGate(1);
    const output = await handle.result();
    await stage.expectCommittedOnce(handle.id, output, await stage.effects());
    expect(await stage.counts(handle.id)).toEqual({ start: 2, A: 1, B: 2, C: 1, end: 1 });
    expect(await stage.outcomes(handle.id)).toEqual(['lost', 'succeeded']);
  });

  it.each([
    { at: 'B', what: 'a step record', counts: { start: 2, A: 1, B: 2, C: 1, end: 1 } },
    { at: 'end', what: 'the output', counts: { start: 2, A: 1, B: 1, C: 1, end: 2 } },
  ])('is refused $what once another worker has finished the run, and goes on with new runs', async ({ at, counts }) => {
    const stage = new Stage();
    const frozen = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('order', { disturb: { at, signal: 'SIGSTOP' } });
    const second = await stage.worker(FIXTURE);
    const output = await handle.result();
    const run = await stage.run(handle.id);
    const steps = await stage.client.getRunSteps(handle.id);
    const passes = ownPasses(await stage.client.getRunAttempts(handle.id));
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
    expect(ownPasses(await stage.client.getRunAttempts(handle.id))).toEqual(passes);
    expect(await stage.counts(handle.id)).toEqual(counts);
  });
});
