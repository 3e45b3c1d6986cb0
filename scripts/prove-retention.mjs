// Shows how long packing and deleting ended runs hold up Redis: makes runs of three steps that have ended, packs them, moves the clock of
// a test namespace on, and sweeps. The slow log of the server says how long each call took, and the kernel how much of that its main
// thread was computing: a call is also long when other processes had the processor meanwhile. So a control that only counts, for as long
// as the mean call takes, is called in turn.
// By hand, after `npm run build`:
//   node scripts/prove-retention.mjs [runs, default 1,000,000]
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startRedis } from 'nestjs-redflow/testing';
import { RedisConnection } from '../dist/engine/redis/connection/connection.js';
import { Keyspace } from '../dist/engine/redis/keyspace.js';
import { PACK_BATCH, packRuns } from '../dist/engine/redis/retention/pack-runs.js';
import { SWEEP_BATCH, sweepHistory } from '../dist/engine/redis/retention/sweep-history.js';
import { claimRuns } from '../dist/engine/redis/runs/claim-runs.js';
import { createRun } from '../dist/engine/redis/runs/create-run.js';
import { finishRun } from '../dist/engine/redis/runs/finish-run.js';
import { ScriptRunner } from '../dist/engine/redis/script/script-runner.js';
import { WriteBuffer } from '../dist/engine/redis/script/write-buffer.js';
import { commitStep } from '../dist/engine/redis/steps/commit-step.js';
import { registerWorker } from '../dist/engine/redis/workers/register-worker.js';

const RUNS = Number(process.argv[2] ?? 1_000_000);
/** Runs with 5,000 steps and 10,000 children, and runs with 50 payloads of 100 kB. */
const LARGE = 200;
const BULKY = 100;
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
const buffer = new WriteBuffer(runner, { depth: 1, smallest: 1 });
const send = (op) => buffer.add(op);
const info = async (section, pattern) => Number(pattern.exec(await redis.info(section))[1]);

let sequence = 0;
async function claim(want) {
  const request = {
    workerId: 'w',
    sequence: ++sequence,
    lane: 0,
    hasSpareSlots: false,
    acceptSuspect: true,
    queues: ['default'],
  };
  return (await send(claimRuns({ ...request, want }))).runs;
}

const finish = ({ run, fence }) => send(finishRun(run.id, fence, 'succeeded', '"done"'));

const STEP = { kind: 'r', status: 's', attempt: 1, base: 0, elapsedMs: 1, payload: '1' };
const commit = ({ run, fence }) =>
  Promise.all(['one', 'two', 'three'].map((name, i) => send(commitStep({ runId: run.id, fence, name, order: i + 1, ...STEP }))));

const create = (id) =>
  send(
    createRun({
      id,
      nonce: '',
      workflow: 'small',
      queue: 'default',
      priority: 0,
      start: { delayMs: 0 },
      idempotencyTtlMs: HOUR_MS,
      input: `{"text":"${'x'.repeat(189)}"}`,
    }),
  );

async function makeSmall(from, count) {
  await Promise.all(Array.from({ length: count }, (_, i) => create(`01KPROOF${String(from + i).padStart(18, '0')}`)));
  await Promise.all((await claim(count)).flatMap((claimed) => [commit(claimed), finish(claimed)]));
}

/** Its steps and children are written as the engine does. */
async function makeWith(id, { steps, bytes, children }) {
  await create(id);
  const [claimed] = await claim(1);
  for (let from = 0; from < steps; from += 500) {
    const fields = Array.from({ length: Math.min(500, steps - from) }, (_, i) => [
      `s:step-${from + i}`,
      `r,s,${from + i},1,0,1,2;"${'x'.repeat(bytes)}"`,
    ]);
    await redis.hset(keys.data(id), ...fields.flat());
  }
  for (let from = 0; from < children; from += 500) {
    await redis.sadd(`${keys.root}:children:${id}`, ...Array.from({ length: 500 }, (_, i) => `child-${from + i}`));
  }
  await finish(claimed);
}

await send(
  registerWorker({
    workerId: 'w',
    leaseMs: 24 * HOUR_MS,
    app: 'proof',
    queues: ['default'],
    concurrency: CHUNK,
    deployment: 'proof',
    team: { id: 'proof', workflows: [] },
    forgetAfterMs: HOUR_MS,
    since: '',
  }),
);
for (let made = 0; made < RUNS; made += CHUNK) await makeSmall(made, Math.min(CHUNK, RUNS - made));
for (let i = 0; i < LARGE; i++) await makeWith(`large-${i}`, { steps: 5_000, bytes: 200, children: 10_000 });
for (let i = 0; i < BULKY; i++) await makeWith(`bulky-${i}`, { steps: 50, bytes: 100_000, children: 0 });
const usedMiB = async () => Math.round((await info('memory', /used_memory:(\d+)/)) / 2 ** 20);
console.log(`${RUNS} runs, ${LARGE} large and ${BULKY} bulky ones have ended; Redis holds ${await usedMiB()} MiB.`);

await redis.config('SET', 'slowlog-max-len', 1_000_000);
await redis.config('SET', 'slowlog-log-slower-than', 0);
const mainThread = `/proc/${await info('server', /process_id:(\d+)/)}/schedstat`;
const computedUs = () => Number(readFileSync(mainThread, 'utf8').split(' ')[0]) / 1_000;

/** Server time of the last script call. The log is emptied each time, so it costs nothing. */
async function lastCallUs() {
  const entries = (await redis.slowlog('GET', 16)).filter(([, , , command]) => /^eval/i.test(command[0]));
  await redis.slowlog('RESET');
  return entries[0][2];
}

/** Counts for as long as the mean call takes. */
const CONTROL = 'local n = 0 for i = 1, tonumber(ARGV[1]) do n = n + i % 7 end return n';
const CALIBRATION = 200_000;
await redis.slowlog('RESET');
await redis.eval(CONTROL, 0, CALIBRATION);
const countsPerUs = CALIBRATION / (await lastCallUs());

async function measured({ wall, computed }, call) {
  const before = computedUs();
  const answer = await call();
  wall.push(await lastCallUs());
  computed.push(computedUs() - before);
  return answer;
}

/** Calls until there is no more to do, with a control after each call. */
async function measure(name, call) {
  const calls = { wall: [], computed: [] };
  const controls = { wall: [], computed: [] };
  let sumUs = 0;
  for (let more = true; more; ) {
    more = await measured(calls, call);
    sumUs += calls.wall.at(-1);
    const counts = Math.round((sumUs / calls.wall.length) * countsPerUs);
    await measured(controls, () => redis.eval(CONTROL, 0, counts));
  }
  console.log(
    [`${calls.wall.length} calls`, 'mean', 'p50', 'p99', 'p99.9', 'max', '> 5 ms'].map((text) => text.padStart(14)).join(''),
  );
  for (const [who, { wall, computed }] of Object.entries({ [name]: calls, control: controls })) {
    console.log(row(who, wall));
    console.log(row('computed', computed));
  }
}

console.log('Times in ms.');
await measure(`pack ${PACK_BATCH}`, () => send(packRuns(PACK_BATCH)));
console.log(`Redis holds ${await usedMiB()} MiB.`);
await redis.incrby(`${keys.root}:clock`, 31 * DAY_MS);
let deleted = 0;
await measure(`sweep ${SWEEP_BATCH}`, async () => {
  const batch = await send(sweepHistory(30 * DAY_MS, SWEEP_BATCH));
  deleted += batch.deleted;
  return batch.more;
});
const left = (await redis.keys('*')).map((key) => key.slice(keys.root.length + 1));
console.log(`${deleted} runs deleted. Left: ${left.join(', ')}`);

function row(name, us) {
  const sorted = us.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const times = [us.reduce((sum, one) => sum + one, 0) / us.length, at(0.5), at(0.99), at(0.999), at(1)];
  const cells = [...times.map((one) => (one / 1_000).toFixed(2)), us.filter((one) => one > LIMIT_US).length];
  return [name, ...cells].map((cell) => String(cell).padStart(14)).join('');
}

redis.disconnect();
await connection.close();
await server.stop();
if (deleted !== RUNS + LARGE + BULKY) process.exitCode = 1;
