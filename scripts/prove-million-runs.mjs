// Measures by hand what queries cost among many runs: `node scripts/prove-million-runs.mjs [runs]`, after a build. 1,000,000 runs take some
// minutes and 2 GB. Times are those of Redis for one call (SLOWLOG), without network and Node. Prints tables in Markdown.
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createRegistry, defineWorkflow, RedflowClient, startWorker } from '../dist/engine/index.js';
import { startRedis } from '../dist/testing/index.js';

const RUNS = Number(process.argv[2] ?? 1_000_000);
const WORKFLOWS = 20;
const BATCH = 1_000;
const CHILDREN = 1_000;
const CALLS = 200;
const DEEP_PAGES = 100;
const PAGE = 50;
/** Redis logs the commands of a script too. They are shorter, and no query is. */
const LOGGED_US = 50;

const prefix = 'prove-million-runs';
const registry = createRegistry();
const silent = { log() {}, warn() {}, error() {} };
/** What becomes of a run, by its number modulo 20. */
const FATES = ['fail', 'fail', 'wait', 'later', 'later', 'cancel', 'cancel', 'idle', 'idle'];

const flows = Array.from({ length: WORKFLOWS }, (_, index) =>
  defineWorkflow(`flow-${index}`, {
    registry,
    queue: `queue-${index % 4}`,
    maxAttempts: 1,
    handler: async (ctx) => {
      if (ctx.input.fate === 'fail') throw new Error('as it should');
      if (ctx.input.fate === 'wait') await ctx.step.waitFor('long', '30d');
    },
  }),
);
const parentFlow = defineWorkflow('parent', {
  registry,
  queue: 'queue-0',
  handler: async (ctx) => {
    for (let index = 0; index < CHILDREN; index++) await ctx.step.emitWorkflow(`child ${index}`, flows[0], {});
  },
});

/** Three of five runs have a customer with 72 of them, every third a region, every thousandth is vip. */
function itemOf(number) {
  const fate = FATES[number % 20];
  const tags = {};
  if (number % 5 < 3) tags.customer = `c${(number * 7919) % Math.ceil(RUNS / 120)}`;
  if (number % 3 === 0) tags.region = ['eu', 'us', 'ap', 'sa'][(number / 3) % 4];
  if (number % 1_000 === 500) tags.vip = 'yes';
  if (fate === 'cancel') tags.doomed = 'yes';
  return {
    input: { number, fate },
    tags,
    ...(number % 25 === 0 && { runId: `order-${number}` }),
    ...(number % 10 === 1 && { idempotencyKey: `request-${number}` }),
    ...((fate === 'later' || fate === 'cancel') && { runAt: '30d' }),
    ...(fate === 'idle' && { queue: 'unserved' }),
  };
}

const writes = [];
const reads = [];

const server = await startRedis({ appendonly: false });
const redis = new Redis(server.url);
const client = new RedflowClient({ url: server.url, prefix, logger: silent }, { registry });
const options = {
  url: server.url,
  prefix,
  registry,
  logger: silent,
  concurrency: 200,
  queues: ['queue-0', 'queue-1', 'queue-2', 'queue-3'],
};
const worker = await startWorker(options);
try {
  const parentRunId = await fill();
  report('Writing', ['what', 'number', 'median ms', 'p99 ms', 'max ms', 'ms in all', 'bytes per run'], writes);
  await measureQueries(parentRunId);
  report('Reading', ['query', 'sort', 'page', 'runs shown', 'median ms', 'p99 ms', 'max ms'], reads);
} finally {
  await worker.stop({ timeoutMs: 0 });
  await client.close();
  redis.disconnect();
  await server.stop();
}

/** Answers the id of the run with the children. */
async function fill() {
  await redis.config('SET', 'slowlog-max-len', 50_000);
  const before = await usedMemory();
  const creating = await timed(async () => {
    for (let from = 0; from < RUNS; from += BATCH) {
      const items = Array.from({ length: Math.min(BATCH, RUNS - from) }, (_, index) => itemOf(from + index));
      await client.runMany(flows[(from / BATCH) % WORKFLOWS], items);
      if (from % 50_000 === 0) progress(`${from} runs created`);
    }
  });
  const { id } = await client.run(parentFlow, {});
  await client.getHandle(id).result();
  await drained();
  writes.push(['runs created and executed, per call', RUNS, ...creating, perRun((await usedMemory()) - before)]);
  const bytesOfIds = await redis.memory('USAGE', `{${prefix}}:search:ids`, 'SAMPLES', 0);
  writes.push(['index of ids', await redis.zcard(`{${prefix}}:search:ids`), '', '', '', '', perRun(bytesOfIds)]);
  let canceled;
  const canceling = await timed(async () => {
    ({ canceled } = await client.cancelRuns({ tag: { doomed: 'yes' } }));
  });
  writes.push(['cancelRuns(), per call', canceled, ...canceling, '']);
  return id;
}

async function measureQueries(parentRunId) {
  const filters = [
    ['all', {}],
    ['status: succeeded', { status: 'succeeded' }],
    ['status: failed', { status: 'failed' }],
    ['status: running', { status: 'running' }],
    ['status: queued, scheduled', { status: ['queued', 'scheduled'] }],
    ['workflow', { workflow: 'flow-3' }],
    ['queue', { queue: 'queue-1' }],
    ['workflow, status, queue', { workflow: 'flow-3', status: 'failed', queue: 'queue-3' }],
    ['tag of 72 runs', { tag: { customer: 'c7' } }],
    ['tag of 1/12', { tag: { region: 'eu' } }],
    ['tag of 1/1,000', { tag: { vip: 'yes' } }],
    ['tags of 1/12 and 1/1,000', { tag: { region: 'eu', vip: 'yes' } }],
    ['tag of 1/12, status: failed', { tag: { region: 'eu' }, status: 'failed' }],
    ['tag of 1/12, workflow', { tag: { region: 'eu' }, workflow: 'flow-3' }],
    ['parent', { parentRunId }],
    ['parent, status: failed', { parentRunId, status: 'failed' }],
    ['last minute', { createdAfter: Date.now() - 60_000 }],
  ];
  for (const [name, filter] of filters) await measure(`listRuns ${name}`, (page) => client.listRuns({ ...filter, ...page }));
  const texts = [
    ['ids, common', { text: 'order-' }],
    ['ids, one', { text: parentRunId.slice(0, 24) }],
    ['generated ids', { text: parentRunId.slice(0, 3) }],
    ['idempotency keys', { text: 'request-' }],
    ['tag values, few', { text: 'c77' }],
    ['tag values, many', { text: 'eu' }],
    ['workflows', { text: 'flow-1' }],
    ['nothing', { text: 'nothing' }],
    ['workflows, status: failed', { text: 'flow-1', status: 'failed' }],
    ['ids, tag of 1/1,000', { text: 'order-', tag: { vip: 'yes' } }],
  ];
  for (const [name, query] of texts) await measure(`searchRuns ${name}`, (page) => client.searchRuns({ ...query, ...page }));
  const [median, p99, max] = await timed(() => repeat(CALLS, () => client.getStats()));
  reads.push(['getStats', '', '', '', median, p99, max]);
}

/** The first page, and one behind the first 100,000 runs or what there are. */
async function measure(name, list) {
  progress(name);
  for (const sort of ['desc', 'asc']) {
    const { items, cursor } = await list({ sort, limit: PAGE });
    const first = await timed(() => repeat(CALLS, () => list({ sort, limit: PAGE })));
    reads.push([name, sort, 'first', items.length, ...first.slice(0, 3)]);
    let deep = cursor;
    let pages = 0;
    while (deep !== undefined && pages < DEEP_PAGES) {
      const page = await list({ sort, limit: 1_000, cursor: deep });
      if (page.cursor === undefined) break;
      deep = page.cursor;
      pages++;
    }
    if (deep === undefined) continue;
    const shown = (await list({ sort, limit: PAGE, cursor: deep })).items.length;
    const times = await timed(() => repeat(CALLS, () => list({ sort, limit: PAGE, cursor: deep })));
    reads.push([name, sort, `after ${pages + 1} pages`, shown, ...times.slice(0, 3)]);
  }
}

async function repeat(times, call) {
  for (let index = 0; index < times; index++) await call();
}

/** What script calls took of Redis meanwhile, in ms: median, 99th percentile, longest, all. */
async function timed(work) {
  await redis.config('RESETSTAT');
  await redis.slowlog('RESET');
  await redis.config('SET', 'slowlog-log-slower-than', LOGGED_US);
  await work();
  await redis.config('SET', 'slowlog-log-slower-than', -1);
  const entries = await redis.slowlog('GET', -1);
  const times = entries.filter(([, , , [command]]) => /^evalsha$/i.test(command)).map(([, , us]) => us / 1_000);
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(2);
  const total = /cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(await redis.info('commandstats'))[1];
  return [at(0.5), at(0.99), at(1), Math.round(total / 1_000)];
}

/** Until nothing is left that workers would execute. */
async function drained() {
  for (;;) {
    const { queues, runs } = await client.getStats();
    const left = queues.filter(({ name }) => name !== 'unserved').reduce((sum, { depth }) => sum + depth, runs.running);
    if (left === 0) return;
    progress(`${left} runs to execute`);
    await delay(1_000);
  }
}

async function usedMemory() {
  await redis.slowlog('RESET');
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}

function perRun(bytes) {
  return Math.round(bytes / RUNS);
}

function report(title, columns, rows) {
  const lines = [columns, columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  process.stdout.write(`\n## ${title}, ${RUNS} runs\n\n${lines.join('\n')}\n`);
}

function progress(text) {
  process.stderr.write(`\r\u001b[K${text}`);
}
