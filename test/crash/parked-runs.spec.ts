import { describe, expect, it } from '@jest/globals';
import type { RunHandle } from 'nestjs-redflow/engine';
import { eventually } from '../support/eventually.js';
import { ALWAYS_PARK } from '../support/passes.js';
import { Stage } from './stage.js';

const FIXTURE = 'waiting-worker.mjs';

describe('runs that wait when their only worker is killed', () => {
  it('keep the time they go on at: a sleep, a retry backoff and a delayed start', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const sleeper = await stage.client.runByName('sleeper', { forMs: 3_000 });
    const retrier = await stage.client.runByName('retrier', {});
    const starter = await stage.client.runByName('starter', {}, { runAt: 3_000 });
    const statusOf = async (handle: RunHandle) => (await handle.getState()).status;
    await eventually(async () => {
      expect([await statusOf(sleeper), await statusOf(retrier), await statusOf(starter)]).toEqual([
        'waiting',
        'waiting',
        'scheduled',
      ]);
    });
    await first.kill('SIGKILL');
    const handles = [sleeper, retrier, starter];
    const dueBefore = await Promise.all(handles.map(async (handle) => (await handle.getState()).availableAt));
    const [, nap] = await stage.client.getRunSteps(sleeper.id);
    expect(nap).toMatchObject({ name: 'nap', kind: 'sleep', status: 'waiting', wakeAt: dueBefore[0] });

    await stage.worker(FIXTURE);
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([1, 2, 1]);
    const runs = await Promise.all(handles.map((handle) => handle.getState()));
    // A pass that is added behind the last step of the sleeper makes it available anew.
    const from = ALWAYS_PARK ? 1 : 0;
    expect(runs.map(({ availableAt }) => availableAt).slice(from)).toEqual(dueBefore.slice(from));
    for (const [index, { finishedAt }] of runs.entries()) expect(finishedAt).toBeGreaterThanOrEqual(dueBefore[index]);
    expect(runs.map(({ attempt, recoveries }) => [attempt, recoveries])).toEqual([
      [1, 0],
      [2, 0],
      [1, 0],
    ]);
    expect(await stage.counts(sleeper.id)).toEqual({ before: 1, after: 1 });
    expect(await stage.outcomes(sleeper.id)).toEqual(['parked', 'succeeded']);
    expect(await stage.outcomes(retrier.id)).toEqual(['failed', 'succeeded']);
    expect(await stage.outcomes(starter.id)).toEqual(['succeeded']);
  });

  it('go on when their time came while no worker lived', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('sleeper', { forMs: 600 });
    await eventually(async () => expect((await stage.run(handle.id)).status).toBe('waiting'));
    await first.kill('SIGKILL');
    const { availableAt } = await stage.run(handle.id);
    await eventually(async () => expect(await stage.now()).toBeGreaterThan(availableAt));
    expect(await stage.run(handle.id)).toMatchObject({ status: 'waiting' });
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe(1);
    expect(await stage.counts(handle.id)).toEqual({ before: 1, after: 1 });
  });
});
