import { describe, expect, it } from '@jest/globals';
import { NonRetriableError, RunNotFoundError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const DAY_MS = 86_400_000;

describe('run states', () => {
  it('goes from queued through running to succeeded', async () => {
    const started = gate();
    const finish = gate<string>();
    const greet = workflow('greet', async () => {
      started.open();
      return finish.promise;
    });
    const engine = await startEngine({ workflows: [greet], worker: false });
    const handle = await engine.client.run(greet, undefined);
    expect((await handle.getState()).status).toBe('queued');
    const worker = await engine.startWorker();
    await started.promise;
    const running = await handle.getState();
    expect(running).toMatchObject({ status: 'running', workerId: worker.id, attempt: 1 });
    expect(running).not.toHaveProperty('finishedAt');
    finish.open('done');
    expect(await handle.result()).toBe('done');
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', output: 'done' });
  });

  it('is scheduled until its start time', async () => {
    const greet = workflow('greet', () => 'hello');
    const engine = await startEngine({ workflows: [greet] });
    const handle = await engine.client.run(greet, undefined, { runAt: '1d' });
    expect((await handle.getState()).status).toBe('scheduled');
    await engine.advance(DAY_MS);
    expect(await handle.result()).toBe('hello');
  });

  it('is waiting while it sleeps and while it backs off', async () => {
    const handler = async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('nap', '1d');
      if (ctx.run.attempt === 1) throw new Error('still tired');
    };
    const nap = workflow('nap', handler, { retries: { delay: '1h' } });
    const engine = await startEngine({ workflows: [nap] });
    const handle = await engine.client.run(nap, undefined);
    const asleep = await engine.until(handle.id, 'waiting');
    expect(asleep.attempt).toBe(1);
    expect(asleep.availableAt - (asleep.startedAt ?? 0)).toBeGreaterThanOrEqual(DAY_MS);
    expect(asleep).not.toHaveProperty('error');
    await engine.advance(DAY_MS);
    const backingOff = await eventually(async () => {
      const run = await handle.getState();
      return run.attempt === 2 && run;
    });
    expect(backingOff).toMatchObject({ status: 'waiting', error: { message: 'still tired' } });
    await engine.advance(3_600_000);
    await handle.result();
    expect(await handle.getState()).not.toHaveProperty('error');
  });

  it('ends failed, with its error and without an output', async () => {
    const bad = workflow('bad', () => {
      throw new NonRetriableError('no');
    });
    const engine = await startEngine({ workflows: [bad] });
    const handle = await engine.client.run(bad, undefined);
    await rejection(handle.result());
    const run = await handle.getState();
    expect(run).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'NonRetriableError', message: 'no' } });
    expect(run).not.toHaveProperty('output');
    expect(run.finishedAt).toBeGreaterThanOrEqual(run.startedAt ?? Number.NaN);
  });
});

describe('run records', () => {
  it('hold what the call and the workflow said', async () => {
    const greet = workflow('greet', () => 'hello', {
      queue: 'mail',
      version: '7',
      tags: { team: 'blue', app: 'shop' },
      priority: 2,
    });
    const engine = await startEngine({ workflows: [greet] });
    const options = { runId: 'r1', idempotencyKey: 'k1', tags: { app: 'post' }, maxAttempts: 5, priority: 4 };
    const handle = await engine.client.run(greet, { name: 'Ada' }, options);
    await handle.result();
    expect(await handle.getState()).toEqual({
      id: 'r1',
      workflow: 'greet',
      queue: 'mail',
      status: 'succeeded',
      input: { name: 'Ada' },
      output: 'hello',
      attempt: 1,
      maxAttempts: 5,
      recoveries: 0,
      priority: 4,
      tags: { team: 'blue', app: 'post' },
      version: '7',
      trigger: 'api',
      createdAt: expect.any(Number),
      availableAt: expect.any(Number),
      startedAt: expect.any(Number),
      finishedAt: expect.any(Number),
      rootRunId: 'r1',
      idempotencyKey: 'k1',
      workerId: engine.worker.id,
    });
  });

  it('take every time from the clock of Redis, not from a caller', async () => {
    const greet = workflow('greet', () => 'hello');
    const engine = await startEngine({ workflows: [greet], worker: false });
    await engine.advance(365 * DAY_MS);
    const before = await engine.now();
    const handle = await engine.client.run(greet, undefined);
    await engine.startWorker();
    await handle.result();
    const after = await engine.now();
    const { createdAt, availableAt, startedAt = 0, finishedAt = 0 } = await handle.getState();
    const times = [before, createdAt, availableAt, startedAt, finishedAt, after];
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('keep the first terminal state: a late end of an old pass changes nothing', async () => {
    const late = gate<string>();
    const slow = workflow('slow', () => late.promise, { timeout: '1d' });
    const engine = await startEngine({ workflows: [slow], worker: { shutdownTimeoutMs: 0 } });
    const handle = await engine.client.run(slow, undefined);
    await engine.until(handle.id, 'running');
    await engine.worker.stop();
    await engine.advance(DAY_MS);
    await engine.startWorker();
    await rejection(handle.result());
    const failed = await handle.getState();
    expect(failed.error?.name).toBe('RunTimeoutError');
    late.open('too late');
    await late.promise;
    expect(await handle.getState()).toEqual(failed);
  });
});

describe('run ids', () => {
  it('are taken from the caller; a second create with one is the same run', async () => {
    const count = workflow('count', ({ input }) => input);
    const engine = await startEngine({ workflows: [count] });
    const first = await engine.client.run(count, 1, { runId: 'mine' });
    const second = await engine.client.run(count, 2, { runId: 'mine' });
    expect([first.id, first.deduplicated]).toEqual(['mine', false]);
    expect([second.id, second.deduplicated]).toEqual(['mine', true]);
    expect(await second.result()).toBe(1);
    expect((await engine.client.listRuns()).items).toHaveLength(1);
  });

  it('are generated in the order of time', async () => {
    const noop = workflow('noop', () => undefined);
    const engine = await startEngine({ workflows: [noop], worker: false });
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push((await engine.client.run(noop, undefined)).id);
    expect(new Set(ids).size).toBe(20);
    expect([...ids].sort()).toEqual(ids);
  });

  it('may hold any text', async () => {
    const noop = workflow('noop', () => undefined);
    const engine = await startEngine({ workflows: [noop] });
    const ids = ['a:b{c}*', 'größe 🎈', '__proto__', '0'];
    const handles = await engine.client.runMany(
      noop,
      ids.map((runId) => ({ input: undefined, runId })),
    );
    for (const handle of handles) await handle.result();
    expect((await engine.client.listRuns()).items.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it('that do not exist are null for getRun() and an error for handles', async () => {
    const engine = await startEngine({ worker: false });
    expect(await engine.client.getRun('nobody')).toBeNull();
    expect(await engine.client.getRunSteps('nobody')).toEqual([]);
    expect(await engine.client.getRunAttempts('nobody')).toEqual([]);
    const handle = engine.client.getHandle('nobody');
    const errors = [await rejection(handle.getState()), await rejection(handle.result())];
    for (const error of errors) {
      expect(error).toBeInstanceOf(RunNotFoundError);
      expect(error).toMatchObject({ code: 'RUN_NOT_FOUND', runId: 'nobody' });
    }
  });
});
