// Load for the proofs of what servers do to runs: producers that create runs under ids of their own and repeat a create that failed, as
// the documentation says, and workers that execute them. It keeps what was acknowledged and what handlers did, so that in the end it can
// say what was lost, what was done twice and how long nothing moved.
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, createRegistry, defineWorkflow, startWorker } from '../dist/engine/index.js';

const PREFIX = 'proof';
const MUTEX_KEYS = 50;
const PAUSE_MS = 5;

export class Load {
  /** Ids of runs whose create was answered, with the time of the answer. */
  acknowledged = new Map();
  /** How often each point of each run was reached. */
  #effects = new Map();
  /** Times at which a handler did something. */
  #moves = [];
  /** Failed calls of producers by their error. */
  #refusals = new Map();
  #producers = [];
  #workers = [];
  #isStopped = false;
  #number = 0;

  /**
   * @param connect makes the `url` or `connection` options of a client or worker
   * @param options.pauseMs between two creates of a producer
   */
  constructor(connect, { workers = 2, producers = 4, leaseMs = 10_000, pauseMs = PAUSE_MS, client = {} } = {}) {
    this.connect = connect;
    this.options = { workers, producers, leaseMs, pauseMs };
    this.registry = createRegistry();
    this.#define();
    this.client = createClient({ ...connect(), prefix: PREFIX, logger: SILENT, ...client });
  }

  async start() {
    const { workers, producers, leaseMs } = this.options;
    const { registry } = this;
    for (let i = 0; i < workers; i++) {
      const options = { prefix: PREFIX, registry, leaseMs, reaperIntervalMs: 500, concurrency: 20, logger: SILENT };
      this.#workers.push(await startWorker({ ...this.connect(), ...options }));
    }
    for (let i = 0; i < producers; i++) this.#producers.push(this.#produce());
  }

  /** Resolves when so many more creates were acknowledged. */
  async more(count) {
    const goal = this.acknowledged.size + count;
    while (this.acknowledged.size < goal) await delay(10);
  }

  /** Creates many runs at once. */
  async burst(count) {
    const numbers = Array.from({ length: count }, () => ++this.#number);
    await Promise.all(numbers.map((number) => this.client.run(this.order, { number }, { runId: String(number) })));
    for (const number of numbers) this.acknowledged.set(String(number), performance.now());
  }

  /** Creates no more, and waits until every acknowledged run has ended, for so long at most. */
  async settle(limitMs = 90_000) {
    this.#isStopped = true;
    await Promise.all(this.#producers);
    // One that connects now is with the server that counts now.
    const judge = createClient({ ...this.connect(), prefix: PREFIX, logger: SILENT });
    const deadline = performance.now() + limitMs;
    let last;
    do {
      await delay(250);
      last = await this.#judge(judge);
    } while (last.stuck > 0 && performance.now() < deadline);
    await judge.close();
    return last;
  }

  /** The longest time in which no handler did anything and in which no create was answered, between two moments of `performance.now()`. */
  stillBetween(from, to) {
    return { handlersMs: longestGap(this.#moves, from, to), createsMs: longestGap([...this.acknowledged.values()], from, to) };
  }

  async close() {
    this.#isStopped = true;
    await Promise.all(this.#producers);
    await Promise.all(this.#workers.map((worker) => worker.stop({ timeoutMs: 5_000 })));
    await this.client.close();
  }

  async #judge(judge) {
    const found = { acknowledged: this.acknowledged.size, lost: 0, stuck: 0, failed: 0, wrong: 0, stuckRuns: [] };
    for (const ids of inChunks([...this.acknowledged.keys()], 200)) {
      for (const run of await Promise.all(ids.map(async (id) => (await judge.getRun(id)) ?? { id, status: 'lost' }))) {
        if (run.status === 'lost') found.lost++;
        else if (run.status === 'failed' || run.status === 'canceled') found.failed++;
        else if (run.status !== 'succeeded') {
          found.stuck++;
          if (found.stuckRuns.length < 5) found.stuckRuns.push(`${run.id} ${run.status}`);
        } else if (run.output !== expected(Number(run.id))) found.wrong++;
      }
    }
    const doneTwice = [...this.#effects.values()].filter((times) => times > 1).length;
    return { ...found, doneTwice, refusals: Object.fromEntries(this.#refusals) };
  }

  async #produce() {
    while (!this.#isStopped) {
      const number = ++this.#number;
      for (;;) {
        try {
          await this.client.run(this.order, { number }, { runId: String(number) });
          this.acknowledged.set(String(number), performance.now());
          break;
        } catch (error) {
          const name = `${error.name}: ${error.message}`.replace(/\d+/g, 'N').slice(0, 160);
          this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
          if (this.#isStopped) break;
          await delay(100);
        }
      }
      await delay(this.options.pauseMs);
    }
  }

  #did(ctx, point) {
    const key = `${ctx.run.id} ${point}`;
    this.#effects.set(key, (this.#effects.get(key) ?? 0) + 1);
    this.#moves.push(performance.now());
    return point;
  }

  /** Touches what a run can have: steps, a mutex, a child, an event, waits. */
  #define() {
    const { registry } = this;
    const child = defineWorkflow('child', {
      registry,
      handler: async (ctx) => {
        await ctx.step.run('work', () => this.#did(ctx, 'work'));
        await ctx.step.emitEvent('tell', 'told', ctx.input, { correlationKey: ctx.run.parentRunId });
        return ctx.input.number;
      },
    });
    this.order = defineWorkflow('order', {
      registry,
      mutex: ({ number }) => String(number % MUTEX_KEYS),
      handler: async (ctx) => {
        const { number } = ctx.input;
        const before = await ctx.step.run('before', () => this.#did(ctx, 'before'));
        const answer = await ctx.step.runWorkflow('child', child, { number });
        const told = await ctx.step.waitForEvent('told', { event: 'told', correlationKey: ctx.run.id });
        const after = await ctx.step.run('after', () => this.#did(ctx, 'after'));
        return [before, answer, told.data.number, after].join();
      },
    });
  }
}

const SILENT = { log() {}, warn() {}, error() {} };

const expected = (number) => `before,${number},${number},after`;

function longestGap(times, from, to) {
  const within = [from, ...times.filter((time) => time > from && time < to), to];
  return Math.round(Math.max(...within.slice(1).map((time, index) => time - within[index])));
}

function* inChunks(list, size) {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
