// `npm run bench`: nestjs-redflow against BullMQ on a private Redis. One long-lived worker process per system, idle while the
// other system is measured; this process creates the runs and measures. The two take turns, each beginning every other round.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { startRedis } from 'nestjs-redflow/testing';
import { measureLatency } from './measure/latency.mjs';
import { measureMemory } from './measure/memory.mjs';
import { Server } from './measure/server.mjs';
import { measureThroughput } from './measure/throughput.mjs';
import { WorkerProcess } from './measure/worker-process.mjs';
import { readOptions } from './options.mjs';
import { report } from './report.mjs';

const CONCURRENCIES = [1, 16, 100];

const options = readOptions();
if (options.profile) mkdirSync(options.profile, { recursive: true });
const redis = await startRedis();
const server = new Server(redis.url);
const contenders = {};
/** One entry per round: `samples['noop 16'].redflow[0]`. */
const samples = {};
let rounds = 0;

try {
  for (const key of ['redflow', 'bullmq']) {
    const file = new URL(`./systems/${key}.mjs`, import.meta.url).href;
    contenders[key] = { system: await import(file), worker: await WorkerProcess.start(file, redis.url) };
  }
  await warmUp();
  for (let i = 0; i < options.rounds; i++) await measureRound(i % 2 === 0);
  // Memory hardly varies: once is enough.
  if (options.parts.includes('memory')) {
    await compare(Object.entries(contenders), 'memory', measureMemory, { count: options.retained });
  }
  process.stdout.write(`${report(samples, { redis: await server.version(), rounds: options.rounds })}\n`);
} finally {
  for (const { worker } of Object.values(contenders)) await worker.end();
  server.close();
  await redis.stop();
}

async function measureRound(inOrder) {
  const turns = inOrder ? Object.entries(contenders) : Object.entries(contenders).reverse();
  for (const kind of ['noop', 'steps']) {
    if (!options.parts.includes(kind)) continue;
    for (const concurrency of CONCURRENCIES) {
      await compare(turns, `${kind} ${concurrency}`, measureThroughput, { kind, concurrency, count: options[kind][concurrency] });
    }
  }
  if (options.parts.includes('latency')) await compare(turns, 'latency', measureLatency, { samples: options.samples });
}

/** Measures every system once, in turn, each under a name in Redis that was never used before. */
async function compare(turns, part, measure, settings) {
  samples[part] ??= {};
  for (const [key, { system, worker }] of turns) {
    progress(`${part}: ${system.name}`);
    const profile = options.profile && resolve(options.profile, `${key}-${part.replace(' ', '-')}.cpuprofile`);
    const sample = await measure({ system, worker, server, round: ++rounds, profile, ...settings });
    samples[part][key] ??= [];
    samples[part][key].push(sample);
  }
  progress('');
}

/** Lets both worker processes and this one compile their hot code before the first measurement. */
async function warmUp() {
  for (const { system, worker } of Object.values(contenders)) {
    progress(`warm-up: ${system.name}`);
    for (const kind of ['noop', 'steps']) {
      await measureThroughput({ system, worker, server, round: ++rounds, kind, concurrency: 50, count: options.warmUp });
    }
  }
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
