import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { createClient, createRegistry, defineWorkflow, type RedflowClient, startWorker } from 'nestjs-redflow/engine';
import { eventually } from '../support/eventually.js';
import { type RedisCluster, RedisServers, type Server } from '../support/redis-servers.mjs';

const PREFIX = 'moved';
const SILENT = { log: () => {}, warn: () => {}, error: () => {} };

const open: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function openCluster(): Promise<RedisCluster> {
  const servers = new RedisServers();
  open.push(() => servers.close());
  return servers.cluster();
}

function connect(cluster: RedisCluster): Cluster {
  const connection = new Cluster(cluster.addresses);
  open.push(async () => connection.disconnect());
  return connection;
}

function clientOf(cluster: RedisCluster): RedflowClient {
  const client = createClient({ connection: connect(cluster), prefix: PREFIX, logger: SILENT });
  open.push(() => client.close());
  return client;
}

/** How many calls a server has answered with TRYAGAIN. */
async function refusals({ admin }: Server): Promise<number> {
  return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(await admin.info('errorstats'))?.[1] ?? 0);
}

async function refusedExists({ admin }: Server): Promise<number> {
  return Number(/cmdstat_exists:.*rejected_calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
}

/** Moves the slot of the namespace to the next master; calls in between when some keys are there and some here. */
async function moveOn(cluster: RedisCluster, inBetween: (to: Server) => Promise<void>) {
  const { slot, owner } = await cluster.ownerOf(`{${PREFIX}}`);
  const to = cluster.nodes[(cluster.nodes.indexOf(owner) + 1) % cluster.nodes.length];
  let isFirst = true;
  return cluster.migrate(slot, owner, to, {
    onMoved: async () => {
      if (isFirst) await inBetween(to);
      isFirst = false;
    },
  });
}

describe('a cluster that moves the slot of a namespace', () => {
  it('holds up runs until all keys have arrived, and none is lost, stuck, done twice or wrong', async () => {
    const cluster = await openCluster();
    const registry = createRegistry();
    const done: string[] = [];
    const child = defineWorkflow<number, number>('child', {
      registry,
      handler: async (ctx) => {
        await ctx.step.run('work', () => done.push(`${ctx.run.parentRunId} work`));
        await ctx.step.emitEvent('tell', 'told', ctx.input, { correlationKey: ctx.run.parentRunId });
        return ctx.input;
      },
    });
    const parent = defineWorkflow<number, number[]>('parent', {
      registry,
      mutex: (number) => String(number % 10),
      handler: async (ctx) => {
        await ctx.step.run('before', () => done.push(`${ctx.run.id} before`));
        const answer = await ctx.step.runWorkflow('child', child, ctx.input);
        const told = await ctx.step.waitForEvent<number>('told', { event: 'told', correlationKey: ctx.run.id });
        await ctx.step.run('after', () => done.push(`${ctx.run.id} after`));
        return [answer, told?.data as number];
      },
    });
    const worker = await startWorker({
      connection: connect(cluster),
      prefix: PREFIX,
      registry,
      leaseMs: 120_000,
      logger: SILENT,
    });
    open.push(() => worker.stop());
    const client = clientOf(cluster);
    const results: Array<Promise<number[]>> = [];
    let isCreating = true;
    const producer = (async () => {
      for (let number = 0; isCreating; number++) {
        const handle = await client.run(parent, number, { runId: String(number) });
        results.push(handle.result());
      }
    })();

    for (let move = 1; move <= 3; move++) {
      await eventually(() => expect(results.length).toBeGreaterThan(20 * move));
      const { moved, torn } = await moveOn(cluster, async (to) => {
        const before = await refusals(to);
        await eventually(async () => expect(await refusals(to)).toBeGreaterThan(before + 5));
      });
      expect(moved).toBeGreaterThan(20);
      // Nobody has written on the new node to what was still on the old one.
      expect(torn).toBe(0);
    }
    isCreating = false;
    await producer;

    expect(await Promise.all(results)).toEqual(results.map((_, number) => [number, number]));
    const points = results.flatMap((_, number) => ['after', 'before', 'work'].map((point) => `${number} ${point}`));
    expect([...done].sort()).toEqual(points.sort());
  });

  it('is waited for by a reset, which then leaves nothing behind', async () => {
    const cluster = await openCluster();
    const client = clientOf(cluster);
    const runs = Array.from({ length: 50 }, (_, number) => ({ workflow: 'idle', input: number }));
    await Promise.all(runs.map(({ workflow, input }) => client.runByName(workflow, input, { allowUnknown: true })));
    let reset: Promise<void> | undefined;
    let isOver = false;
    await moveOn(cluster, async () => {
      const before = await Promise.all(cluster.nodes.map(refusedExists));
      reset = client.resetState({ confirm: PREFIX }).finally(() => {
        isOver = true;
      });
      // It asks every master who has all the keys, and none has.
      await eventually(async () => {
        for (const [at, node] of cluster.nodes.entries()) expect(await refusedExists(node)).toBeGreaterThan(before[at]);
      });
      expect(isOver).toBe(false);
    });
    await reset;
    const { slot } = await cluster.ownerOf(`{${PREFIX}}`);
    for (const { admin } of cluster.nodes) expect(await admin.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(0);
  });
});
