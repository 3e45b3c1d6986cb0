// Proves by hand that runs wait for nobody who does not serve them: `node scripts/prove-routing.mjs [case…]`, after a build. Services are processes
// of their own with default options on one Redis and one queue. Prints how long runs took to start, or to end where they sleep; the exit code is
// 1 if a p99 of a start is over the limit.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient, createRegistry, defineWorkflow, startWorker } from '../dist/engine/index.js';
import { startRedis } from '../dist/testing/index.js';

const RUNS = 100;
const EVERY_MS = 50;
const LIMIT_MS = 100;
/** After which a worker that was killed is taken for dead: its lease, a round of the reaper, and a second. */
const REAPED_AFTER_MS = 36_000;
const file = fileURLToPath(import.meta.url);
const epochNow = () => performance.timeOrigin + performance.now();

const HANDLERS = {
  ours: (ctx) => report(ctx),
  added: (ctx) => report(ctx),
  theirs: () => delay(1_000),
  sleeper: async (ctx) => {
    for (let i = 0; i < 5; i++) await ctx.step.waitFor(`sleep ${i}`, EVERY_MS);
    report(ctx);
  },
};

const report = ({ input, run }) => void process.send({ run: run.id, tookMs: epochNow() - input.createdAt });

/** One process of a service. */
async function work(url, prefix, names) {
  const registry = createRegistry();
  const workflows = names.split(',').map((name) => defineWorkflow(name, { registry, handler: HANDLERS[name] }));
  const worker = await startWorker({ url, prefix, workflows, logger: { log() {}, warn() {}, error: console.error } });
  process.once('SIGTERM', async () => {
    await worker.stop({ timeoutMs: 1 });
    process.exit();
  });
  process.send('ready');
}

class Case {
  /** Milliseconds by run. */
  #took = new Map();
  #processes = [];

  constructor(url, prefix) {
    Object.assign(this, { url, prefix, client: createClient({ url, prefix }) });
  }

  /** Resolves when it claims. */
  async service(...names) {
    const process = fork(file, ['work', this.url, this.prefix, names.join()]);
    this.#processes.push(process);
    process.on('message', (message) => message.run && this.#took.set(message.run, message.tookMs));
    while ((await once(process, 'message'))[0] !== 'ready');
    return process;
  }

  async stop(process, signal = 'SIGTERM') {
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  }

  /** One after the other; answers how long each took to report, Infinity if it has not within 10 s. */
  async runs(workflow, { meanwhile } = {}) {
    const ids = [];
    const others = meanwhile?.();
    const began = performance.now();
    for (let i = 0; i < RUNS; i++) {
      await delay(began + i * EVERY_MS - performance.now());
      const created = this.client.runByName(workflow, { createdAt: epochNow() }, { allowUnknown: true });
      ids.push(created.then(({ id }) => id));
    }
    await others;
    const all = await Promise.all(ids);
    for (let i = 0; i < 1_000 && all.some((id) => !this.#took.has(id)); i++) await delay(10);
    return all.map((id) => this.#took.get(id) ?? Number.POSITIVE_INFINITY);
  }

  /** Work for the other service: 1 s each, of which it executes 10 at a time. */
  async burden(count) {
    await Promise.all(Array.from({ length: count }, () => this.client.runByName('theirs', undefined, { allowUnknown: true })));
    await delay(500);
  }

  async close() {
    for (const process of this.#processes) process.kill('SIGKILL');
    await this.client.close();
  }
}

/** Each answers how long its runs took by what is measured. */
const CASES = {
  async alone(one) {
    await one.service('ours');
    return { 'no other service': await one.runs('ours') };
  },
  async idle(one) {
    await Promise.all([one.service('ours'), one.service('theirs')]);
    return { 'the other is idle': await one.runs('ours') };
  },
  async busy(one) {
    await Promise.all([one.service('ours'), one.service('theirs')]);
    await one.burden(300);
    return { 'the other is busy, 290 of its runs wait': await one.runs('ours') };
  },
  async stopped(one) {
    const [, other] = await Promise.all([one.service('ours'), one.service('theirs')]);
    await one.burden(300);
    await one.stop(other);
    return { 'the other was stopped, its runs rest': await one.runs('ours') };
  },
  async dead(one) {
    const [, other] = await Promise.all([one.service('ours'), one.service('theirs')]);
    await one.burden(300);
    const killed = performance.now();
    await one.stop(other, 'SIGKILL');
    const before = await one.runs('ours');
    await delay(killed + REAPED_AFTER_MS - performance.now());
    return { 'the other was killed': before, 'and its lease has ended': await one.runs('ours') };
  },
  async sleeps(one) {
    await one.service('sleeper');
    const alone = await one.runs('sleeper');
    const other = await one.service('theirs');
    const beside = await one.runs('sleeper');
    await one.burden(300);
    const busy = await one.runs('sleeper');
    await one.stop(other, 'SIGKILL');
    return {
      'five sleeps of 50 ms, no other service': alone,
      'five sleeps, the other is idle': beside,
      'five sleeps, the other is busy': busy,
    };
  },
  async deploy(one) {
    const old = await Promise.all(Array.from({ length: 5 }, () => one.service('ours')));
    await one.service('ours', 'added');
    const beside = await one.runs('added');
    const rolling = await one.runs('added', {
      meanwhile: async () => {
        for (const process of old) {
          await one.service('ours', 'added');
          await one.stop(process);
        }
      },
    });
    return { 'an added workflow, five old workers and one new': beside, 'the same, while the old are replaced': rolling };
  },
};

const atRank = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1];
const inMs = (value) => value.toFixed(value < 10 ? 1 : 0).padStart(8);

async function prove(names) {
  const server = await startRedis({ appendonly: false });
  const late = [];
  console.log(`${'ms'.padEnd(52)}     p50     p99     max    load`);
  for (const name of names) {
    const one = new Case(server.url, `prove-routing:${name}`);
    for (const [what, took] of Object.entries(await CASES[name](one))) {
      const sorted = took.sort((a, b) => a - b);
      const [p50, p99, most] = [0.5, 0.99, 1].map((share) => atRank(sorted, share));
      console.log(`${what.padEnd(50)}${inMs(p50)}${inMs(p99)}${inMs(most)}${inMs(loadavg()[0])}`);
      if (p99 >= LIMIT_MS + (name === 'sleeps' ? 5 * EVERY_MS : 0)) late.push(what);
    }
    await one.close();
  }
  await server.stop();
  if (late.length > 0) console.log(`Over ${LIMIT_MS} ms at p99: ${late.join('; ')}.`);
  process.exitCode = late.length > 0 ? 1 : 0;
}

const [first, ...rest] = process.argv.slice(2);
const unknown = first === 'work' ? [] : process.argv.slice(2).filter((name) => !(name in CASES));
if (first === 'work') await work(...rest);
else if (unknown.length > 0) console.error(`Name cases: ${Object.keys(CASES).join(', ')}.`);
else await prove(first === undefined ? Object.keys(CASES) : [first, ...rest]);
