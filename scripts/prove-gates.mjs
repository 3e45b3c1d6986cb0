// Proves by hand what gates promise while workers are killed: `node scripts/prove-gates.mjs mutex|throttle|slots [runs] [by-name]`, after a build.
// By name, whoever creates the runs does not know the workflow: the first worker that claims a run asks its key.
// Three workers execute the runs; one of them is killed every second. Prints one line of JSON; the exit code is 1 if a promise is broken.
import { fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createClient, createRegistry, defineWorkflow, startWorker } from '../dist/engine/index.js';
import { startRedis } from '../dist/testing/index.js';

const WORKERS = 3;
const MUTEX_KEYS = 50;
const SLOTS = 5;
const STARTS = 10;
const PERIOD_MS = 2_000;
const prefix = 'prove-gates';
const file = fileURLToPath(import.meta.url);

/** Each run writes its id under its key when it enters, and finds it there when it leaves: one that does not has met a second holder. */
const mutex = {
  runs: 10_000,
  input: (index) => `key ${index % MUTEX_KEYS}`,
  define: (redis) => ({
    mutex: (key) => key,
    handler: async (ctx) => {
      const inside = `inside:${ctx.input}`;
      const other = await redis.set(inside, ctx.run.id, 'NX', 'GET');
      if (other !== null && other !== ctx.run.id) await redis.incr('violations');
      await ctx.step.run('work', () => delay(2));
      // In a last step of its own the exit would be replayed after a kill, and a run that was killed after it enters anew.
      if ((await redis.get(inside)) === ctx.run.id) await redis.del(inside);
      else await redis.incr('violations');
    },
  }),
  judge: async (redis) => ({ keys: MUTEX_KEYS, violations: Number((await redis.get('violations')) ?? 0) }),
};

/** As many runs are inside as there are names in a set; a run that was killed is still inside, and comes back. */
const slots = {
  runs: 3_000,
  input: () => null,
  define: (redis) => ({
    maxConcurrency: SLOTS,
    handler: async (ctx) => {
      await redis.sadd('inside', ctx.run.id);
      if ((await redis.scard('inside')) > SLOTS) await redis.incr('violations');
      await ctx.step.run('work', () => delay(20));
      await redis.srem('inside', ctx.run.id);
    },
  }),
  watch: async (redis, seen) => {
    // The places that have runs in line at the gate: only then all slots should be held.
    const [blocked, held] = await Promise.all([
      redis.zcard(`{${prefix}}:waiting:cgated`),
      redis.scard(`{${prefix}}:slots:gated`),
    ]);
    if (blocked > 0) seen.push(held);
  },
  judge: async (redis, _client, seen) => ({
    limit: SLOTS,
    violations: Number((await redis.get('violations')) ?? 0),
    samples: seen.length,
    meanHeld: Number((seen.reduce((sum, held) => sum + held, 0) / Math.max(1, seen.length)).toFixed(2)),
  }),
};

/** The starts that Redis dated: of any `STARTS` + 1 in a row the last must be a period after the first. */
const throttle = {
  runs: (60_000 / PERIOD_MS) * STARTS,
  input: () => null,
  define: () => ({
    throttle: { limit: STARTS, period: PERIOD_MS },
    handler: (ctx) => ctx.step.run('work', () => delay(20)),
  }),
  judge: async (_redis, client) => {
    const starts = [];
    let cursor;
    do {
      const page = await client.listRuns({ limit: 1_000, cursor });
      starts.push(...page.items.map((run) => run.startedAt));
      cursor = page.cursor;
    } while (cursor);
    starts.sort((a, b) => a - b);
    const spans = starts.slice(STARTS).map((start, index) => start - starts[index]);
    spans.sort((a, b) => a - b);
    return {
      limit: STARTS,
      periodMs: PERIOD_MS,
      traceMs: starts.at(-1) - starts[0],
      violations: spans.filter((span) => span < PERIOD_MS).length,
      shortestMs: spans[0],
      medianMs: spans[spans.length >> 1],
      longestMs: spans.at(-1),
    };
  },
};

const PROOFS = { mutex, throttle, slots };

async function work(name, url) {
  const gated = defineWorkflow('gated', { registry: createRegistry(), ...PROOFS[name].define(new Redis(url)) });
  await startWorker({ url, prefix, workflows: [gated], leaseMs: 1_000, reaperIntervalMs: 200, maxRecoveries: 1_000 });
}

/** @param byName as a client does that knows no definition */
async function createAll(client, gated, inputs, byName) {
  if (!byName)
    return client.runMany(
      gated,
      inputs.map((input) => ({ input })),
    );
  while (inputs.length > 0) {
    const batch = inputs.splice(0, 1_000);
    await Promise.all(batch.map((input) => client.runByName('gated', input, { allowUnknown: true })));
  }
}

async function prove(name, runs, byName) {
  const proof = PROOFS[name];
  const server = await startRedis({ appendonly: false });
  const redis = new Redis(server.url);
  const client = createClient({ url: server.url, prefix });
  const gated = defineWorkflow('gated', { registry: createRegistry(), ...proof.define(redis) });
  const inputs = Array.from({ length: runs }, (_, index) => proof.input(index));
  await createAll(client, gated, inputs, byName);
  const start = () => fork(file, ['work', name, server.url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const workers = Array.from({ length: WORKERS }, start);
  const seen = [];
  const sampling = proof.watch && setInterval(() => proof.watch(redis, seen), 50);
  const began = Date.now();
  let kills = 0;
  let counts;
  do {
    await delay(1_000);
    const victim = kills++ % WORKERS;
    workers[victim].kill('SIGKILL');
    workers[victim] = start();
    counts = (await client.getStats()).runs;
  } while (counts.succeeded + counts.failed < runs);
  clearInterval(sampling);
  const seconds = Math.round((Date.now() - began) / 1_000);
  const verdict = await proof.judge(redis, client, seen);
  console.log(
    JSON.stringify({ proof: name, ...(byName && { byName }), runs, kills, seconds, failed: counts.failed, ...verdict }),
  );
  // A proof that has seen nothing proves nothing.
  process.exitCode = verdict.violations + counts.failed === 0 && verdict.samples !== 0 ? 0 : 1;
  for (const worker of workers) worker.kill('SIGKILL');
  await client.close();
  redis.disconnect();
  await server.stop();
}

const [name, ...rest] = process.argv.slice(2);
if (name === 'work') await work(...rest);
else if (name in PROOFS) await prove(name, Number(rest[0] ?? PROOFS[name].runs), rest[1] === 'by-name');
else console.error(`Name a proof: ${Object.keys(PROOFS).join(', ')}.`);
