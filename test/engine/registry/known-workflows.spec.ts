import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, UnknownWorkflowError, type WorkflowContext } from '../../../lib/engine/index.js';
import { once, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { expectNoKeys } from '../../support/namespace.js';

describe('a workflow that nobody knows', () => {
  it('is an UnknownWorkflowError that names close matches; nothing is written', async () => {
    const engine = await startEngine({ workflows: [workflow('send-invoice', () => 1), workflow('send-invite', () => 1)] });
    const error = await rejection(engine.client.runByName('send-invoic', undefined));
    expect(error).toBeInstanceOf(UnknownWorkflowError);
    expect(error).toMatchObject({ workflow: 'send-invoic' });
    expect((error as UnknownWorkflowError).suggestions).toEqual(expect.arrayContaining(['send-invoice', 'send-invite']));
    expect(error.message).toContain('did you mean "send-invoice"');
    expect(await rejection(engine.client.emitWorkflow('nothing like it', undefined))).toMatchObject({ suggestions: [] });
    expect((await engine.client.listRuns()).items).toEqual([]);
  });

  it('writes nothing at all in an empty namespace', async () => {
    const engine = await startEngine({ worker: false });
    expect(await rejection(engine.client.runByName('ghost', undefined, { idempotencyKey: 'k' }))).toBeInstanceOf(
      UnknownWorkflowError,
    );
    await expectNoKeys(engine.prefix);
  });

  it('is accepted with allowUnknown, and runs once a worker knows it', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.runByName('later', 5, { allowUnknown: true });
    expect(await handle.getState()).toMatchObject({ status: 'queued', workflow: 'later', queue: 'default' });
    await engine.startWorker({ workflows: [workflow('later', (ctx: WorkflowContext<number>) => ctx.input * 2)] });
    expect(await handle.result()).toBe(10);
  });

  it('has the attempts that its worker gives it', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.runByName('later', undefined, { allowUnknown: true });
    const later = workflow('later', () => Promise.reject(new Error('boom')), { maxAttempts: 5, retries: { delay: 0 } });
    await engine.startWorker({ workflows: [later] });
    await rejection(handle.result());
    expect((await handle.getState()).attempt).toBe(5);
  });

  it('rests with a worker that does not serve it, at no cost, and starts when one comes that does', async () => {
    const engine = await startEngine({ workflows: [workflow('known', () => 1)], worker: { concurrency: 1 } });
    const handle = await engine.client.runByName('stranger', undefined, { allowUnknown: true });
    await once(async () => (await engine.redis.exists(engine.key('lanes:default'))) === 1);
    const rests = await handle.getState();
    expect(rests).toMatchObject({ status: 'queued', blockedBy: 'worker', attempt: 1, recoveries: 0 });
    expect(rests).not.toHaveProperty('startedAt');
    expect((await engine.client.getStats()).unserved).toEqual([{ workflow: 'stranger', queue: 'default', runs: 1 }]);
    // A worker that knows it comes and goes, whatever the other one does meanwhile.
    await (await engine.client.runByName('known', undefined)).result();
    expect(await engine.client.getRunAttempts(handle.id)).toEqual([]);
    await engine.startWorker({ workflows: [workflow('stranger', (ctx: WorkflowContext) => ctx.run.attempt)] });
    expect(await handle.result()).toBe(1);
    expect((await engine.client.getRunAttempts(handle.id)).map(({ outcome }) => outcome)).toEqual(['succeeded']);
    expect(engine.logs.matching('warn', /stranger|handed back/)).toEqual([]);
  });
});

describe('a workflow of another process', () => {
  it('is known by name through Redis, with its queue and defaults', async () => {
    const options = { queue: 'mail', priority: 3, maxAttempts: 7, version: '2', tags: { team: 'blue' } };
    const engine = await startEngine({ workflows: [workflow('remote', (ctx: WorkflowContext) => ctx.input, options)] });
    const handle = await engine.client.runByName('remote', 'hi', { tags: { by: 'me' } });
    expect(await handle.result()).toBe('hi');
    const { queue, priority, maxAttempts, version, tags } = await handle.getState();
    expect({ queue, priority, maxAttempts, version, tags }).toEqual({ ...options, tags: { team: 'blue', by: 'me' } });
  });

  it('is listed with its metadata', async () => {
    const b = workflow('b', () => 1, { queue: 'mail', maxAttempts: 2, version: '2', tags: { team: 'blue' } });
    const engine = await startEngine({ workflows: [b, workflow('a', () => 1)], worker: { app: 'shop' } });
    expect(await engine.client.listWorkflows()).toEqual(['a', 'b']);
    const updatedAt = expect.any(Number);
    const metaOfB = {
      name: 'b',
      app: 'shop',
      queue: 'mail',
      version: '2',
      versions: ['2'],
      maxAttempts: 2,
      priority: 0,
      tags: { team: 'blue' },
      retries: { maxAttempts: 2, delay: { type: 'exponential', delay: 1_000 } },
      cron: [],
      events: [],
      updatedAt,
    };
    expect(await engine.client.getWorkflowMeta('b')).toEqual(metaOfB);
    expect(await engine.client.listWorkflowsMeta()).toEqual([
      {
        ...metaOfB,
        name: 'a',
        queue: 'default',
        maxAttempts: 3,
        tags: {},
        version: undefined,
        versions: undefined,
        retries: expect.anything(),
      },
      metaOfB,
    ]);
    expect(await engine.client.getWorkflowMeta('c')).toBeNull();
  });

  it('is known again soon after Redis lost the metadata', async () => {
    const flow = workflow('flow', () => 'done');
    const engine = await startEngine({ workflows: [flow], worker: { registryRecoveryIntervalMs: 20 } });
    await engine.redis.del(engine.key('workflows'));
    await eventually(async () => (await engine.client.listWorkflows()).length === 1);
    expect(await (await engine.client.runByName('flow', undefined)).result()).toBe('done');
  });
});

describe('workers', () => {
  it('serve a registry', async () => {
    const registry = createRegistry();
    defineWorkflow('one', { registry, handler: () => 1 });
    defineWorkflow('two', { registry, handler: () => 2, queue: 'other' });
    expect(registry.list().map(({ name }) => name)).toEqual(['one', 'two']);
    const engine = await startEngine({ registry });
    expect(await (await engine.client.runByName('one', undefined)).result()).toBe(1);
    expect(await (await engine.client.runByName('two', undefined)).result()).toBe(2);
  });

  it('work on after Redis has lost everything', async () => {
    const flow = workflow('flow', () => 'done');
    const settings = { leaseMs: 300, registryRecoveryIntervalMs: 20 };
    const engine = await startEngine({ workflows: [flow], worker: settings });
    await (await engine.client.run(flow, undefined)).result();
    const keys = await engine.redis.keys(`{${engine.prefix}}:*`);
    await engine.redis.del(keys);
    await eventually(async () => (await engine.client.listWorkflows()).length === 1);
    expect(await (await engine.client.runByName('flow', undefined)).result()).toBe('done');
  });
});
