import { createClient, createRegistry, defineWorkflow, startWorker as startEngineWorker } from 'nestjs-redflow/engine';

export const name = 'nestjs-redflow';

const prefixOf = (round) => `bench-${round}`;

/** Creates runs of one round. */
export function createProducer({ url, round }) {
  const client = createClient({ url, prefix: prefixOf(round) });
  const options = { allowUnknown: true };
  return {
    async addMany(kind, inputs) {
      await client.runMany(
        kind,
        inputs.map((input) => ({ input, ...options })),
      );
    },
    /** Resolves when the run has been created; the answer resolves with its result. */
    async add(kind, input) {
      const handle = await client.run(kind, input, options);
      return { result: () => handle.result({ timeoutMs: 30_000 }) };
    },
    close: () => client.close(),
  };
}

/** @param begun called by every handler before anything else, with the run's input */
export async function startWorker({ url, round, concurrency, begun }) {
  const registry = createRegistry();
  defineWorkflow('noop', { registry, handler: async (ctx) => begun(ctx.input) });
  defineWorkflow('steps', {
    registry,
    handler: async (ctx) => {
      begun(ctx.input);
      await ctx.step.run('one', () => 1);
      await ctx.step.run('two', () => 2);
      await ctx.step.run('three', () => 3);
    },
  });
  const worker = await startEngineWorker({ url, prefix: prefixOf(round), registry, concurrency });
  return { stop: () => worker.stop() };
}

/** How many runs Redis knows as ended. */
export async function countEnded(redis, round) {
  const lists = ['packed', 'ended'].map((list) => redis.llen(`{${prefixOf(round)}}:${list}`));
  const [packed, ended] = await Promise.all(lists);
  return packed + ended;
}

/** Whether all that has ended is packed. */
export const isTidy = async (redis, round) => (await redis.llen(`{${prefixOf(round)}}:ended`)) === 0;
