import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ALWAYS_PARK } from '../support/passes.js';
import type { SpawnedProcess } from '../support/spawn-worker.js';
import { LEASE_MS, Stage } from './stage.js';

const FIXTURE = 'nest-process.mjs';
const UNREACHABLE = 'redis://127.0.0.1:1';

/** A process that executes a run which does not end before a second process executes it. */
async function holding(stage: Stage, args: string[]) {
  const first = await stage.worker(FIXTURE, { args, options: { shutdownTimeoutMs: 1 } });
  const handle = await stage.client.runByName('held', null);
  await eventually(async () => (await stage.counts(handle.id)).hold === 1);
  return { first, handle };
}

/** As `nest start --watch` does it: a SIGTERM, and the next process as soon as the old one is gone. */
async function restartedByWatch(stage: Stage, running: SpawnedProcess, args: string[]): Promise<SpawnedProcess> {
  running.signal('SIGTERM');
  await running.exited;
  return stage.worker(FIXTURE, { args });
}

describe('a Nest application in a process of its own', () => {
  it.each([[['hooks']], [['hooks', 'http']]])('hands its runs back at once on SIGTERM: %j', async (args) => {
    const stage = new Stage();
    const { first, handle } = await holding(stage, args);
    // Kubernetes, a terminal and a process manager may each send one.
    first.signal('SIGTERM');
    first.signal('SIGINT');
    expect(['SIGTERM', 'SIGINT']).toContain((await first.exited).signal);
    expect(first.lines.filter((line) => line.startsWith('shut down'))).toHaveLength(1);
    expect(await stage.run(handle.id)).toMatchObject({ status: 'queued', attempt: 1, recoveries: 0 });
    expect((await stage.client.getStats()).workers).toEqual([]);

    await stage.worker(FIXTURE, { args });
    expect(await handle.result()).toEqual({ first: 1, count: 2 });
    expect(await stage.outcomes(handle.id)).toEqual(ALWAYS_PARK ? ['succeeded'] : ['handed_back', 'succeeded']);
  });

  it('is restarted by watch mode with shutdown hooks without a loss of time', async () => {
    const stage = new Stage();
    const { first, handle } = await holding(stage, ['hooks']);
    await restartedByWatch(stage, first, ['hooks']);
    expect(await handle.result()).toEqual({ first: 1, count: 2 });
    expect(await stage.run(handle.id)).toMatchObject({ attempt: 1, recoveries: 0 });
  });

  it('is restarted by watch mode without shutdown hooks: its runs come back when their lease has ended', async () => {
    const stage = new Stage();
    const { first, handle } = await holding(stage, []);
    const killedAt = performance.now();
    await restartedByWatch(stage, first, []);
    expect(await handle.result()).toEqual({ first: 1, count: 2 });
    expect(performance.now() - killedAt).toBeGreaterThan(LEASE_MS / 2);
    expect(await stage.run(handle.id)).toMatchObject({ attempt: 1, recoveries: 1 });
    expect(await stage.outcomes(handle.id)).toEqual(['lost', 'succeeded']);
  });

  it.each([[[]], [['http']], [['producer']], [['http', 'hooks']]])(
    'ends with code 1 and says why when Redis cannot be reached: %j',
    async (args) => {
      const spawned = new Stage().spawn(FIXTURE, { url: UNREACHABLE, args });
      const exit = await spawned.exited;
      const output = [...spawned.lines, spawned.stderr].join('\n');
      expect(output).toContain('Cannot reach Redis at 127.0.0.1:1 (option "url" or the environment variable REDIS_URL)');
      expect(exit).toEqual({ code: 1, signal: null });
    },
  );

  it('does not execute runs as a producer', async () => {
    const stage = new Stage();
    const producer = await stage.worker(FIXTURE, { args: ['producer', 'hooks'] });
    const handle = await stage.client.runByName('held', null, { allowUnknown: true });
    expect((await stage.client.getStats()).workers).toEqual([]);
    expect(await producer.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await stage.run(handle.id)).toMatchObject({ status: 'queued' });
  });
});
