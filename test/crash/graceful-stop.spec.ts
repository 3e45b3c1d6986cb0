import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ALWAYS_PARK } from '../support/passes.js';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';
/** Nothing here may depend on a lease that runs out or on a poll: a run that was not handed over at once would hang. */
const OPTIONS = { leaseMs: 600_000, blockTimeoutMs: 600_000, reaperIntervalMs: 600_000, concurrency: 20 };

describe('a graceful stop under load', () => {
  it('hands unfinished runs over at once; no attempt and no recovery is counted', async () => {
    const stage = new Stage();
    const leaving = await stage.worker(FIXTURE, { options: { ...OPTIONS, shutdownTimeoutMs: 200 } });
    const patients = await stage.client.runMany(
      'patient',
      // Long enough for another worker to start on a machine that is busy.
      Array.from({ length: 10 }, () => ({ input: { forMs: 6_000 } })),
    );
    await eventually(async () => expect((await stage.effects()).filter(({ point }) => point === 'long')).toHaveLength(10));
    await stage.worker(FIXTURE, { options: OPTIONS });
    const orders = await stage.client.runMany(
      'order',
      Array.from({ length: 100 }, (_, number) => ({ input: { number } })),
    );
    expect(await leaving.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(leaving.lines).toContain('stopped');

    await Promise.all([...patients, ...orders].map((handle) => handle.result()));
    const effects = await stage.effects();
    for (const { id } of patients) {
      expect(await stage.run(id)).toMatchObject({ status: 'succeeded', output: 'done', attempt: 1, recoveries: 0 });
      expect(await stage.outcomes(id)).toEqual(ALWAYS_PARK ? ['succeeded'] : ['handed_back', 'succeeded']);
      expect(await stage.counts(id)).toEqual({ prepare: 1, long: 2 });
    }
    for (const { id } of orders) {
      const run = await stage.run(id);
      expect(run).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 0 });
      await stage.expectCommittedOnce(id, run.output, effects);
    }
    expect((await stage.client.getStats()).workers).toHaveLength(1);
  });

  it('lets runs that end in time end on the worker that stops', async () => {
    const stage = new Stage();
    const leaving = await stage.worker(FIXTURE, { options: OPTIONS });
    const handle = await stage.client.runByName('patient', { forMs: 1_000 });
    await eventually(async () => expect(await stage.counts(handle.id)).toEqual({ prepare: 1, long: 1 }));
    await stage.worker(FIXTURE, { options: OPTIONS });
    await eventually(async () => expect(await stage.idleWorkers()).toHaveLength(2));
    const late = leaving.kill('SIGTERM');
    // A signal takes its time: from here on the worker is woken no more.
    await eventually(async () => expect(await stage.idleWorkers()).toHaveLength(1));
    const next = await stage.client.runByName('order', {});
    await next.result();
    expect(await late).toEqual({ code: 0, signal: null });
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', output: 'done' });
    expect(await stage.outcomes(handle.id)).toEqual(['succeeded']);
    expect((await stage.effects(next.id)).map(({ pid }) => pid)).not.toContain(leaving.pid);
  });
});
