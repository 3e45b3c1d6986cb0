import { describe, expect, it } from '@jest/globals';
import { CrashLoopError, RunFailedError } from 'nestjs-redflow/engine';
import { Stage } from './stage.js';
import { Supervisor } from './supervisor.js';

const MAX_RECOVERIES = 4;
const OPTIONS = { leaseMs: 1_000, reaperIntervalMs: 100, maxRecoveries: MAX_RECOVERIES };

describe('a handler that always kills its process', () => {
  it('is started maxRecoveries + 1 times and fails with CrashLoopError, while all its neighbours complete', async () => {
    const stage = new Stage();
    await stage.worker('order-worker.mjs').then((worker) => worker.kill('SIGTERM')); // registers the workflows
    const poison = await stage.client.runByName('order', { disturb: { at: 'B', times: 1_000 } });
    // Longer than a worker lives while the poison is about: it has to be kept apart from it to get through.
    const innocent = await stage.client.runByName('patient', { forMs: 4_000 });
    const quick = await stage.client.runMany(
      'order',
      Array.from({ length: 20 }, (_, number) => ({ input: { number } })),
    );
    const supervisors = [1, 2].map(() => new Supervisor(() => stage.spawn('order-worker.mjs', { options: OPTIONS })));

    const failure = await poison.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailedError);
    expect((failure as RunFailedError).cause).toBeInstanceOf(CrashLoopError);
    expect(await innocent.result()).toBe('done');
    await Promise.all(quick.map((handle) => handle.result()));
    await Promise.all(supervisors.map((supervisor) => supervisor.stop()));

    expect(await stage.counts(poison.id)).toEqual({ start: 5, A: 1, B: 5 });
    expect(supervisors.reduce((sum, { deaths }) => sum + deaths, 0)).toBe(MAX_RECOVERIES + 1);
    expect(await stage.run(poison.id)).toMatchObject({ status: 'failed', attempt: 1, recoveries: MAX_RECOVERIES + 1 });
    expect(await stage.outcomes(poison.id)).toEqual([...Array(MAX_RECOVERIES + 1).fill('lost'), 'failed']);
    const effects = await stage.effects();
    for (const { id } of quick) {
      const run = await stage.run(id);
      expect(run).toMatchObject({ status: 'succeeded', attempt: 1 });
      await stage.expectCommittedOnce(id, run.output, effects);
    }
    expect(await stage.run(innocent.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});
