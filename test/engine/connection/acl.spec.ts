import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  type ClientOptions,
  createClient,
  createRegistry,
  defineWorkflow,
  type RedflowClient,
  RedisPermissionError,
  type StartWorkerOptions,
  startWorker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { startRedis } from '../../../lib/testing/index.js';
import { gate, once, RecordingLogger, rejection, whenTestEnds, workflow } from '../../support/engine.js';
import { plainClient } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

const EVERYTHING = ['reset', 'on', '>secret', '~{redflow:v1}*', 'resetchannels', '&{redflow:v1}:*', '+@all'];

/** A Redis of its own, whose user "app" clients and workers are. */
async function room() {
  const server = await startRedis({ appendonly: false });
  whenTestEnds(() => server.stop());
  const admin = plainClient(server.url);
  const logger = new RecordingLogger();
  const url = server.url.replace('redis://', 'redis://app:secret@');
  const options: ClientOptions = { url, prefix: 'redflow:v1', logger };
  const grant = (...rights: string[]) => admin.call('ACL', 'SETUSER', 'app', ...rights);
  const client = (): RedflowClient => {
    const made = createClient(options);
    whenTestEnds(() => made.close());
    return made;
  };
  const worker = async (given: StartWorkerOptions) => {
    const started = await startWorker({ ...options, blockTimeoutMs: 50, ...given });
    whenTestEnds(() => started.stop({ timeoutMs: 0 }));
    return started;
  };
  return { admin, logger, grant, client, worker };
}

const registry = createRegistry();
const leaf = defineWorkflow('leaf', { registry, handler: (ctx: WorkflowContext<number>) => ctx.input });
const fails = defineWorkflow('fails', {
  registry,
  maxAttempts: 2,
  retries: { delay: 1 },
  handler: async (ctx: WorkflowContext<number>) => {
    await ctx.step.run('charge', () => 1, { compensate: () => undefined });
    throw new Error('no');
  },
  onFailure: () => undefined,
});
const everything = defineWorkflow('everything', {
  registry,
  mutex: () => 'one',
  throttle: { limit: 100, period: '1m' },
  rateLimit: { limit: 100, period: '1m' },
  maxConcurrency: 5,
  event: [{ name: 'order.*' }],
  cron: [{ id: 'nightly', expression: '0 0 1 1 *' }],
  tags: { kind: 'all' },
  handler: async (ctx: WorkflowContext<unknown>) => {
    await ctx.step.run('step', async (step) => step.progress('half'));
    await ctx.step.waitFor('nap', 1);
    await ctx.step.runWorkflow('child', leaf, 1);
    await ctx.step.emitWorkflow('other child', leaf, 2);
    await ctx.step.emitEvent('note', 'note.made', {});
    await ctx.step.waitForEvent('event', { event: 'go', correlationKey: 'k', timeout: '1m' });
    return ctx.step.waitForAny('any', { soon: { for: 1 }, child: { workflow: leaf, input: 3 } });
  },
});

/** Has the rights granted that the error names, until there is none. */
async function untilGranted(attempt: () => Promise<unknown>, grant: (...rights: string[]) => Promise<unknown>): Promise<void> {
  for (;;) {
    const error = await attempt().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined) return;
    expect(error).toBeInstanceOf(RedisPermissionError);
    await grant(...(error as RedisPermissionError).rights);
  }
}

/** Commands that the user was refused. */
async function refused(admin: Redis): Promise<string[]> {
  const entries = (await admin.call('ACL', 'LOG')) as string[][];
  const objects = entries.map((entry) => entry[entry.indexOf('object') + 1]);
  // ioredis tells the server its name, and does without where that is refused.
  return objects.filter((object) => !object.startsWith('client'));
}

describe('a Redis user', () => {
  it('can do all that runs need with the rights that the errors of the boot name', async () => {
    const { admin, grant, client, worker } = await room();
    await grant('reset', 'on', '>secret');
    const redflow = client();
    await untilGranted(() => redflow.connect(), grant);
    await untilGranted(() => worker({ registry }), grant);
    await admin.call('ACL', 'LOG', 'RESET');

    const failing = await redflow.run(fails, 1);
    await rejection(failing.result());
    const first = await redflow.run(everything, 1, { idempotencyKey: 'key', tags: { a: 'b' } });
    const { handles } = await redflow.emitEventDetailed('order.paid', {}, { eventId: 'e1' });
    await redflow.emitEvent('go', {}, { correlationKey: 'k' });
    await Promise.all([first.result(), handles[0].result()]);
    const second = await redflow.run(everything, 2, { runAt: '1h' });
    await redflow.cancelRun(second.id, { reason: 'enough' });
    await eventually(async () => (await failing.getState()).failureHook?.status === 'succeeded');
    const canceled = await redflow.run(leaf, 1, { runAt: '1h' });
    await canceled.cancel();
    await redflow.retryRun(canceled.id);
    await redflow.pauseQueue('default');
    await redflow.resumeQueue('default');
    await redflow.pauseSchedule('nightly');
    await redflow.resumeSchedule('nightly');
    await (await redflow.triggerSchedule('nightly')).cancel();
    await redflow.cancelRuns({ workflow: 'everything' });
    await redflow.listRuns({ tag: { a: 'b' } });
    await redflow.listRuns({ sort: 'asc', status: ['succeeded', 'running'] });
    await redflow.searchRuns({ text: 'k' });
    await redflow.getRunSteps(first.id);
    await redflow.getRunAttempts(first.id);
    await Promise.all([redflow.listEvents(), redflow.listEventDefinitions(), redflow.listSchedules(), redflow.getStats()]);
    await Promise.all([redflow.listWorkflowsMeta(), redflow.cleanupExpiredRunsNow(), redflow.cleanupExpiredEventsNow()]);
    expect(await refused(admin)).toEqual([]);
  });

  it('without channels cannot boot a worker or a client, and nothing is written', async () => {
    const { admin, grant, client, worker } = await room();
    await grant(...EVERYTHING, 'resetchannels');
    const rights = ['&{redflow:v1}:*'];
    expect(await rejection(client().connect())).toMatchObject({ name: 'RedisPermissionError', rights });
    expect(await rejection(client().run(leaf, 1))).toMatchObject({ name: 'RedisPermissionError', rights });
    expect(await rejection(worker({ registry }))).toMatchObject({ name: 'RedisPermissionError', rights });
    expect(await admin.keys('*')).toEqual([]);
  });

  it('without BLPOP cannot boot a worker, which connects no further', async () => {
    const { admin, grant, worker } = await room();
    await grant(...EVERYTHING, '-blpop');
    expect(await rejection(worker({ registry }))).toMatchObject({ name: 'RedisPermissionError', rights: ['+blpop'] });
    await eventually(async () => !String(await admin.client('LIST')).includes('user=app'), 'its connections are closed');
  });

  it('without dangerous commands can do everything, and is told what could not be checked', async () => {
    const { grant, logger, client, worker } = await room();
    await grant(...EVERYTHING, '-@dangerous');
    await worker({ registry });
    const redflow = client();
    await redflow.connect();
    expect(await (await redflow.run(leaf, 5)).result()).toBe(5);
    expect(logger.matching('warn', /./).map(({ message }) => message)).toEqual([expect.stringContaining('Grant it +info')]);
  });

  it('that may only read is a client that reads, whose first write is refused', async () => {
    const { admin, grant, client } = await room();
    await grant(...EVERYTHING);
    const { id } = await client().run(leaf, 1);
    await grant(...EVERYTHING, '-@all', '+@read', '+@scripting', '+@connection', '+info', '+time', '+publish', '+subscribe');
    const reader = client();
    await reader.connect();
    expect(await reader.getRun(id)).toMatchObject({ status: 'queued' });
    const before = await admin.dbsize();
    await rejection(reader.run(leaf, 2, { runId: 'r2' }));
    expect(await reader.getRun('r2')).toBeNull();
    expect(await admin.dbsize()).toBe(before);
  });

  it('that is refused PUBLISH while runs go on leaves none half-written', async () => {
    const { admin, grant, client, worker } = await room();
    await grant(...EVERYTHING);
    const opened = gate();
    const child = workflow('child', () => opened.promise);
    const parent = workflow('parent', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', child, undefined));
    await worker({ workflows: [child, parent] });
    const redflow = client();
    const { id } = await redflow.run(parent, undefined);
    const childId = await once(async () => {
      const { items } = await redflow.listRuns({ parentRunId: id, status: 'running' });
      return items.length === 1 && items[0].id;
    });
    const awaited = redflow.getHandle(childId).result();
    await eventually(async () => (await admin.scard(`{redflow:v1}:waiters:${childId}`)) === 1);
    await grant('-publish');
    opened.open();
    await eventually(async () => (await redflow.getRun(id))?.status === 'succeeded', 'the parent has heard of the end');
    await awaited;
    expect((await redflow.getStats()).workers).toMatchObject([{ running: 0 }]);
  });
});
