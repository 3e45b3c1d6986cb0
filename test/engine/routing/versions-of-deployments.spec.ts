import { describe, expect, it } from '@jest/globals';
import type { StartWorkerOptions, Worker, WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import { blocked } from '../../support/blocked.js';
import { type Engine, type Gate, gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { informedClient } from '../../support/informed-client.js';

const HOUR_MS = 3_600_000;

/** Says which code runs it, before and after an hour. */
const order = (version?: string, options: WorkflowOptions<unknown> = {}) =>
  workflow(
    'order',
    async (ctx: WorkflowContext) => {
      const first = await ctx.step.run('first', () => version);
      await ctx.step.waitFor('an-hour', '1h');
      return `${first}, ${version} as ${ctx.run.version}`;
    },
    { ...options, version },
  );

/** A worker that is a deployment of its own, unless `options` name one. */
const deploy = (engine: Engine, version?: string, options: StartWorkerOptions = {}): Promise<Worker> =>
  engine.startWorker({ workflows: [order(version)], ...options });

async function waiting(engine: Engine, options: { version?: string } = {}): Promise<string> {
  const { id } = await engine.client.runByName('order', 0, options);
  await engine.until(id, 'waiting');
  return id;
}
const versionOf = async (engine: Engine, id: string) => (await engine.client.getRun(id))?.version;
const result = (engine: Engine, id: string) => engine.client.getHandle(id).result();

describe('deployments of two versions side by side', () => {
  it('each go on with their runs; new ones take the version of the younger', async () => {
    const engine = await startEngine({ worker: false });
    const older = await deploy(engine, '1');
    const old = await Promise.all(Array.from({ length: 10 }, () => waiting(engine)));
    const younger = await deploy(engine, '2');
    const recent = await Promise.all(Array.from({ length: 10 }, () => waiting(engine)));
    await engine.advance(HOUR_MS);
    for (const id of old) expect(await result(engine, id)).toBe('1, 1 as 1');
    for (const id of recent) expect(await result(engine, id)).toBe('2, 2 as 2');
    // Nobody was handed a run of the other.
    const workersOf = async (ids: string[]) =>
      new Set((await Promise.all(ids.map((id) => engine.client.getRunAttempts(id)))).flat().map(({ workerId }) => workerId));
    expect(await workersOf(old)).toEqual(new Set([older.id]));
    expect(await workersOf(recent)).toEqual(new Set([younger.id]));
  });

  it('let a roll-back take new runs back to the older version, also beside the newer one', async () => {
    const engine = await startEngine({ worker: false });
    const first = await deploy(engine, '1');
    await deploy(engine, '2');
    const withdrawn = await waiting(engine);
    await first.stop();
    await deploy(engine, '1');
    const again = await waiting(engine);
    expect([await versionOf(engine, withdrawn), await versionOf(engine, again)]).toEqual(['2', '1']);
    await engine.advance(HOUR_MS);
    expect(await result(engine, withdrawn)).toBe('2, 2 as 2');
    expect(await result(engine, again)).toBe('1, 1 as 1');
  });

  it('go back to the older version when the younger deployment is gone', async () => {
    const engine = await startEngine({ worker: false });
    await deploy(engine, '1');
    const younger = await deploy(engine, '2');
    const orphan = await waiting(engine);
    await younger.stop();
    expect(await engine.client.getVersions('order')).toMatchObject({ current: '1' });
    expect(await versionOf(engine, await waiting(engine))).toBe('1');
    await engine.advance(HOUR_MS);
    await eventually(async () => {
      expect(await engine.client.getRun(orphan)).toMatchObject({ status: 'queued', blockedBy: 'worker', version: '2' });
    });
    await deploy(engine, '2');
    expect(await result(engine, orphan)).toBe('2, 2 as 2');
    expect(await engine.client.getRun(orphan)).toMatchObject({ attempt: 1, recoveries: 0 });
  });

  it('that have one name never make a version current which none of them serves any more', async () => {
    const engine = await startEngine({ worker: false });
    await deploy(engine, '1', { deployment: 'always' });
    const younger = await deploy(engine, '2', { deployment: 'always' });
    expect(await engine.client.getVersions('order')).toMatchObject({ current: '2' });
    await younger.stop();
    expect(await engine.client.getVersions('order')).toMatchObject({ current: '1' });
    expect(await versionOf(engine, await waiting(engine))).toBe('1');
    await deploy(engine, '2', { deployment: 'always' });
    expect(await engine.client.getVersions('order')).toMatchObject({ current: '2' });
  });

  it('keep the last version as the current one while nobody serves any', async () => {
    const engine = await startEngine({ worker: false });
    const worker = await deploy(engine, '2');
    await worker.stop();
    const { id } = await engine.client.runByName('order', 0);
    expect(await engine.client.getVersions('order')).toMatchObject({ current: '2' });
    await deploy(engine, '2');
    await engine.until(id, 'waiting');
    expect(await versionOf(engine, id)).toBe('2');
  });

  it('take versions that a deployment has declared which is not the youngest', async () => {
    const engine = await startEngine({ worker: false });
    await deploy(engine, '1');
    await deploy(engine, '2');
    const id = await waiting(engine, { version: '1' });
    await engine.advance(HOUR_MS);
    expect(await result(engine, id)).toBe('1, 1 as 1');
  });

  it('pass runs without a version back and forth, until the definition is gone', async () => {
    const engine = await startEngine({ worker: false });
    const old = await deploy(engine);
    const began = await waiting(engine);
    await deploy(engine, '1');
    const pinned = await waiting(engine);
    await old.stop();
    await engine.advance(HOUR_MS);
    expect(await result(engine, began)).toBe('undefined, 1 as undefined');
    expect(await result(engine, pinned)).toBe('1, 1 as 1');
  });

  it('exclude each other by their mutex: what is blocked goes on with its own version', async () => {
    const gates = new Map<string, Gate>();
    const running: string[] = [];
    const exclusive = (version: string) =>
      workflow(
        'exclusive',
        async (ctx: WorkflowContext) => {
          running.push(`${version} as ${ctx.run.version}`);
          const opened = gate();
          gates.set(ctx.run.id, opened);
          await opened.promise;
        },
        { version, mutex: () => 'one' },
      );
    const engine = await startEngine({ worker: false });
    await engine.startWorker({ workflows: [exclusive('1')] });
    await engine.startWorker({ workflows: [exclusive('2')] });
    const client = informedClient(engine, exclusive('1'), {
      ...exclusive('2'),
      options: { ...exclusive('2').options, current: true },
    });
    const ids: string[] = [];
    for (const version of ['1', '2', '1', '2']) {
      const { id } = await client.runByName('exclusive', 0, { version });
      // One after the other: who comes to the mutex first is not what is tested here.
      if (ids.length === 0) await eventually(() => gates.has(id));
      else await blocked(engine, id, 'mutex');
      ids.push(id);
    }
    for (const [index, id] of ids.entries()) {
      await eventually(async () => expect(gates.has(id)).toBe(true));
      expect(running).toHaveLength(index + 1);
      gates.get(id)?.open();
    }
    for (const id of ids) await client.getHandle(id).result();
    expect(running).toEqual(['1 as 1', '2 as 2', '1 as 1', '2 as 2']);
  });
});
