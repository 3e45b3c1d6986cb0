// Shows that retention never holds up Redis: makes runs that have ended, moves the clock of a test namespace on, and sweeps, while
// the server's own slow log says how long each script call took. By hand, after `npm run build`:
//   node scripts/prove-retention.mjs [runs, default 1,000,000]
import { Redis } from 'ioredis';
import { claimRuns } from '../dist/engine/redis/claim-runs.js';
import { CommitBuffer } from '../dist/engine/redis/commit-buffer.js';
import { RedisConnection } from '../dist/engine/redis/connection.js';
import { createRun } from '../dist/engine/redis/create-run.js';
import { finishRun } from '../dist/engine/redis/finish-run.js';
import { Keyspace } from '../dist/engine/redis/keyspace.js';
import { registerWorker } from '../dist/engine/redis/register-worker.js';
import { ScriptRunner } from '../dist/engine/redis/script-runner.js';
import { SWEEP_BATCH, sweepHistory } from '../dist/engine/redis/sweep-history.js';
import { startRedis } from '../dist/testing/index.js';

const RUNS = Number(process.argv[2] ?? 1_000_000);
const CHUNK = 500;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LIMIT_US = 5_000;

const server = await startRedis({ appendonly: false });
const redis = new Redis(server.url);
const keys = new Keyspace('redflow-test:proof');
const silent = { log() {}, warn() {}, error() {} };
const connection = new RedisConnection({ url: server.url }, silent);
const runner = new ScriptRunner(connection, keys, { role: 'worker', giveUpAfterMs: 10_000 });
const buffer = new CommitBuffer(runner, { depth: 1, smallest: 1 });
const send = (op) => buffer.add(op);

const finish = async (id, fence) => send(finishRun(id, fence, 'succeeded', '"done"'));
const newRun = (id) => ({
  id,
  nonce: '',
  workflow: 'small',
  queue: 'default',
  priority: 0,
  start: { delayMs: 0 },
  idempotencyTtlMs: HOUR_MS,
  input: '{"n":1}',
});

let sequence = 0;
async function claim(want) {
  const request = {
    workerId: 'w',
    sequence: ++sequence,
    lane: 0,
    want,
    hasSpareSlots: false,
    acceptSuspect: true,
    queues: ['default'],
  };
  return (await send(claimRuns(request))).runs;
}

async function makeSmall(from, count) {
  await Promise.all(
    Array.from({ length: count }, (_, i) => send(createRun(newRun(`01KPROOF${String(from + i).padStart(18, '0')}`)))),
  );
  const claimed = await claim(count);
  await Promise.all(claimed.map(({ run, fence }) => finish(run.id, fence)));
}

/** A run with 5,000 steps and 10,000 children, written as the engine does. */
async function makeLarge(id) {
  await send(createRun(newRun(id)));
  const [{ fence }] = await claim(1);
  for (let from = 0; from < 5_000; from += 500) {
    const fields = Array.from({ length: 500 }, (_, i) => [`s:step-${from + i}`, `r,s,${from + i},1,0,1,2;"${'x'.repeat(200)}"`]);
    await redis.hset(keys.data(id), ...fields.flat());
  }
  for (let from = 0; from < 10_000; from += 500) {
    await redis.sadd(`${keys.root}:children:${id}`, ...Array.from({ length: 500 }, (_, i) => `child-${from + i}`));
  }
  await finish(id, fence);
}

const LARGE = 200;
await send(
  registerWorker({ workerId: 'w', leaseMs: 24 * HOUR_MS, app: 'proof', queues: ['default'], concurrency: CHUNK, declares: [] }),
);
for (let made = 0; made < RUNS; made += CHUNK) await makeSmall(made, Math.min(CHUNK, RUNS - made));
for (let i = 0; i < LARGE; i++) await makeLarge(`large-${i}`);
const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
console.log(`${RUNS} small runs and ${LARGE} large ones have ended; Redis holds ${Math.round((await memory()) / 2 ** 20)} MiB.`);

await redis.incrby(`${keys.root}:clock`, 31 * DAY_MS);
await redis.config('SET', 'slowlog-log-slower-than', LIMIT_US);
await redis.config('SET', 'slowlog-max-len', 100_000);
await redis.slowlog('RESET');
await redis.config('RESETSTAT');

let deleted = 0;
let slowest = 0;
const begun = performance.now();
for (;;) {
  const batch = await send(sweepHistory(30 * DAY_MS, SWEEP_BATCH));
  deleted += batch.deleted;
  if (!batch.more) break;
}
const tookMs = performance.now() - begun;
const stats = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await redis.info('commandstats'));
const slow = (await redis.slowlog('GET', -1)).filter(([, , , command]) => /eval/i.test(command[0]));
for (const [, , us] of slow) slowest = Math.max(slowest, us);
const percentiles = /latency_percentiles_usec_evalsha:(.*)/.exec(await redis.info('latencystats'))?.[1].trim();
console.log(`${deleted} runs deleted in ${(tookMs / 1_000).toFixed(1)} s by ${stats[1]} calls of at most ${SWEEP_BATCH} runs.`);
console.log(`Server time per call: mean ${(stats[2] / stats[1] / 1_000).toFixed(2)} ms; percentiles in µs: ${percentiles}`);
console.log(`Calls above ${LIMIT_US / 1_000} ms: ${slow.length}${slow.length ? `, the slowest ${slowest / 1_000} ms` : ''}`);
console.log(`Left: ${(await redis.keys('*')).map((key) => key.slice(keys.root.length + 1)).join(', ')}`);

redis.disconnect();
await connection.close();
await server.stop();
if (deleted !== RUNS + LARGE) process.exitCode = 1;
