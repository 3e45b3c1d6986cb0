import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { RunHandle, WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import type { RunWorker } from '../../../lib/engine/worker/run-worker.js';
import { contentsOf } from '../../support/contents.js';
import { type Engine, startEngine, workflow } from '../../support/engine.js';
import { type Random, randomOf } from '../../support/random.js';

/** More rounds with `REDFLOW_TEST_SEEDS=100`, of which the first is `REDFLOW_TEST_SEED`. */
const SEEDS = Number(process.env.REDFLOW_TEST_SEEDS ?? 1);
const FIRST_SEED = Number(process.env.REDFLOW_TEST_SEED ?? 1);
const MOST_CRASHES = 6;
/** Longer than any of them takes that is not stuck. */
const STUCK_AFTER_MS = 25_000;

interface Saga {
  readonly handler: (ctx: WorkflowContext) => Promise<unknown>;
  readonly result: unknown;
  readonly options?: WorkflowOptions;
}

/** What the functions of a saga call: each call takes as long as it takes. */
class Calls {
  private begun = 0;
  private readonly awaited: Array<{ readonly at: number; readonly go: () => void }> = [];

  constructor(private readonly random: Random) {}

  async make<T>(value: T): Promise<T> {
    this.begun++;
    for (const { at, go } of this.awaited) if (at <= this.begun) go();
    await delay(this.random.below(8));
    return value;
  }

  /** Resolves as the n-th from now begins. */
  next(n: number): Promise<void> {
    return new Promise((go) => this.awaited.push({ at: this.begun + n, go }));
  }
}

let calls: Calls;
const call = <T>(value: T): Promise<T> => calls.make(value);

/** As `p-limit` does it. */
function limited(most: number) {
  const waiting: Array<() => void> = [];
  let active = 0;
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (active >= most) await new Promise<void>((go) => waiting.push(go));
    active++;
    try {
      return await task();
    } finally {
      active--;
      waiting.shift()?.();
    }
  };
}

const SAGAS: Record<string, Saga> = {
  'reserves side by side': {
    result: ['flight', 'hotel', 'car'],
    handler: async ({ step }) => {
      const reserve = async (what: string) => {
        const found = await step.run(`find-${what}`, () => call(what), { compensate: () => undefined });
        await step.waitFor(`hold-${what}`, 5);
        return step.run(`book-${what}`, () => call(found), { compensate: () => undefined });
      };
      const booked = await Promise.all(['flight', 'hotel', 'car'].map(reserve));
      await step.run('confirm', () => call(1));
      return booked;
    },
  },
  'races a step against a wait': {
    result: 'done',
    handler: async ({ step }) => {
      for (let turn = 0; turn < 3; turn++) {
        const late = step.waitFor(`limit-${turn}`, 15).then(() => 'late');
        const winner = await Promise.race([step.run(`ask-${turn}`, () => call('asked')), late]);
        await step.run(`note-${turn}-${winner}`, () => call(winner));
      }
      return 'done';
    },
  },
  'catches, and cleans up': {
    result: 'cleaned',
    options: { maxAttempts: 4, retries: { delay: 5 } },
    handler: async ({ step }) => {
      const lock = await step.run('lock', () => call('lock'));
      try {
        await step.run('try', () => call(1));
        await step.run('flaky', async ({ attempt }) => {
          await call(1);
          if (attempt < 3) throw new Error('not yet');
        });
      } catch (error) {
        await step.run('note', () => call(1));
        await step.waitFor('breath', 5);
        throw error;
      } finally {
        await step.run(`unlock-${lock}`, () => call(1)).catch(() => undefined);
      }
      return step.run('end', () => call('cleaned'));
    },
  },
  'polls with sleeps': {
    result: 4,
    handler: async ({ step }) => {
      for (let turn = 1; ; turn++) {
        const isReady = await step.run(`poll-${turn}`, () => call(turn === 4));
        if (isReady) return step.run('fetch', () => call(turn));
        await step.waitFor(`pause-${turn}`, 5);
      }
    },
  },
  'fans out to children': {
    result: ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    handler: async ({ step }) => {
      const items = await step.run('items', () => call([0, 1, 2, 3]));
      const ends = await Promise.allSettled(items.map((item) => step.runWorkflow(`child-${item}`, 'child', item)));
      await step.run('tell', () => call(ends.length));
      return ends.map(({ status }) => status);
    },
  },
  'limits how much it does at once': {
    result: [0, 2, 4, 6, 8, 10],
    handler: async ({ step }) => {
      const limit = limited(2);
      return Promise.all(
        [0, 1, 2, 3, 4, 5].map((item) =>
          limit(async () => {
            const found = await step.run(`find-${item}`, () => call(item));
            return step.run(`double-${item}`, () => call(found * 2));
          }),
        ),
      );
    },
  },
  'reads pages from an async generator': {
    result: ['0a', '0b', '1a', '1b', '2a', '2b'],
    handler: async ({ step }) => {
      async function* pages() {
        for (let page = 0; page < 3; page++) {
          yield* await step.run(`page-${page}`, () => call([`${page}a`, `${page}b`]));
          await step.waitFor(`between-${page}`, 3);
        }
      }
      const seen: string[] = [];
      for await (const item of pages()) seen.push(await step.run(`item-${item}`, () => call(item)));
      return seen;
    },
  },
  'reads between its steps': {
    result: 'stored',
    handler: async ({ step }) => {
      const branch = async (name: string) => {
        for (let turn = 0; turn < 3; turn++) {
          const row = await call(`${name}-${turn}`);
          await step.run(`write-${row}`, () => call(1));
        }
        await step.waitFor(`nap-${name}`, 5);
      };
      await Promise.all([branch('a'), branch('b')]);
      await call(1);
      return step.run('store', () => call('stored'));
    },
  },
  'answers patches, and passes points': {
    result: 'shipped',
    handler: async (ctx) => {
      await ctx.step.run('charge', () => call(1), { compensate: () => undefined });
      if (await ctx.patched('two-mails')) await ctx.step.run('mail', () => call(1));
      await ctx.commit();
      await ctx.step.waitFor('pack', 5);
      if (await ctx.patched('label')) await ctx.step.run('label', () => call(1), { compensate: () => undefined });
      await ctx.commit();
      return ctx.step.run('ship', () => call('shipped'));
    },
  },
};

const child = workflow(
  'child',
  async ({ step, input }: WorkflowContext<number>) => {
    await step.waitFor('nap', 5);
    if (input % 2 === 1) throw new Error('odd');
    return step.run('work', () => call(input));
  },
  { maxAttempts: 1 },
);

/** What is to be seen of a run that stands still. */
async function scene({ client, redis, logs, prefix }: Engine, id: string): Promise<string> {
  const [run, steps, attempts] = await Promise.all([client.getRun(id), client.getRunSteps(id), client.getRunAttempts(id)]);
  const contents = await contentsOf(redis, `{${prefix}}`);
  return JSON.stringify({ run, steps, attempts, logs: logs.lines.slice(-30), contents }, null, 1);
}

/** Lets the worker crash again and again in the middle of a call, and another one come. */
async function endOf(engine: Engine, handle: RunHandle<unknown>, random: Random): Promise<unknown> {
  let hasEnded = false;
  const end = handle.result().finally(() => {
    hasEnded = true;
  });
  const ended = end.catch(() => undefined);
  const crashed = async () => {
    const most = 1 + random.below(MOST_CRASHES);
    for (let crashes = 0; crashes < most && !hasEnded; crashes++) {
      const crashing = engine.worker as RunWorker;
      // Sometimes the next one is there already; the first crash hits whoever makes the call.
      const another = crashes > 0 && random.below(3) === 0 ? await engine.startWorker() : undefined;
      await Promise.race([calls.next(1 + random.below(4)), ended]);
      await crashing.crash();
      if (!another) await engine.startWorker();
    }
    return end;
  };
  const isOver = new AbortController();
  const stuck = delay(STUCK_AFTER_MS, undefined, { signal: isOver.signal }).then(
    async () => Promise.reject(new Error(`Stuck: ${await scene(engine, handle.id)}`)),
    () => undefined,
  );
  try {
    return await Promise.race([crashed(), stuck]);
  } finally {
    isOver.abort();
  }
}

describe('a saga that is cut by crashes at any time ends, and is never blocked, where it', () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);
  it.each(Object.keys(SAGAS).flatMap((name) => seeds.map((seed) => [name, seed] as const)))(
    '%s (%d)',
    async (name, seed) => {
      const { handler, options, result } = SAGAS[name];
      const saga = workflow('saga', handler, { determinismGrace: 2_000, retries: { delay: 0 }, ...options });
      const random = randomOf(seed);
      calls = new Calls(randomOf(seed + 1));
      // Shorter ones run out under load, too.
      const leaseMs = random.pick([100, 300, 300]);
      const worker = {
        leaseMs,
        reaperIntervalMs: 50,
        maxRecoveries: random.pick([10, 30]),
        concurrency: random.pick([1, 3, 10]),
      };
      const engine = await startEngine({ workflows: [saga, child], worker });
      const handle = await engine.client.run(saga, undefined);
      expect(await endOf(engine, handle, random)).toEqual(result);
      expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
      expect((await handle.getState()).unasked).toBeUndefined();
      // Of it, or of a child.
      const { items } = await engine.client.listRuns();
      expect(items.reduce((sum, { recoveries }) => sum + recoveries, 0)).toBeGreaterThan(0);
    },
    60_000,
  );
});
