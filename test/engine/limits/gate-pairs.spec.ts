import { describe, expect, it } from '@jest/globals';
import {
  type AttemptRecord,
  type CreateOptions,
  RateLimitedError,
  type RunHandle,
  type RunRecord,
  type WorkflowContext,
  type WorkflowDefinition,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type Engine, rejection, startEngine, workflow } from '../../support/engine.js';
import { gateKeys, mostAtOnce, shortestWindow, spanOf } from '../../support/gates.js';

interface Job {
  key: string;
  n: number;
}

const HOUR_MS = 3_600_000;
const RUNS = 8;
const STARTS = 3;
const PERIOD_MS = 80;
const SLOTS = 2;
const DELAY_MS = 50;
const jobs: Job[] = Array.from({ length: RUNS }, (_, n) => ({ key: n % 3 === 0 ? 'a' : 'b', n }));

type Gate = 'mutex' | 'throttle' | 'maxConcurrency';

const OPTIONS: Record<Gate, WorkflowOptions<Job>> = {
  mutex: { mutex: ({ key }) => key },
  throttle: { throttle: { limit: STARTS, period: PERIOD_MS } },
  maxConcurrency: { maxConcurrency: SLOTS },
};

/** Fails if the records of the runs say that a gate has let through what it must not. */
const PROMISES: Record<Gate, (runs: RunRecord<Job>[], passes: AttemptRecord[]) => void> = {
  mutex: (runs) => {
    for (const key of ['a', 'b']) {
      const ofKey = runs.filter(({ input }) => input.key === key);
      expect(mostAtOnce(ofKey.map(spanOf))).toBeLessThanOrEqual(1);
    }
  },
  throttle: (runs) => expect(shortestWindow(runs, STARTS)).toBeGreaterThanOrEqual(PERIOD_MS),
  maxConcurrency: (_, passes) => expect(mostAtOnce(passes.map(spanOf))).toBeLessThanOrEqual(SLOTS),
};

interface Stage {
  engine: Engine;
  gated: WorkflowDefinition<Job, unknown>;
  run: (job: Job, options?: CreateOptions) => Promise<RunHandle>;
}

interface Feature {
  options?: WorkflowOptions<Job>;
  /** What a run does between its two steps. */
  act?: (ctx: WorkflowContext<Job>) => unknown;
  /** Creates the runs while no worker is there. */
  create?: (stage: Stage) => Promise<unknown>;
  /** After the workers have started. */
  goOn?: (stage: Stage) => Promise<unknown>;
  /** How the runs end. @default succeeded */
  ends?: 'failed';
  /** That the feature, too, did what it promises. */
  check?: (runs: RunRecord<Job>[]) => void;
}

const leaf = workflow('leaf', (ctx: WorkflowContext<number>) => ctx.input);

const FEATURES: Record<string, Feature> = {
  priority: {
    create: ({ run }) => Promise.all(jobs.map((job) => run(job, { priority: (job.n * 7) % 10 }))),
    // All were there before the first was claimed.
    check: (runs) => {
      for (const key of ['a', 'b']) {
        const byPriority = runs.filter(({ input }) => input.key === key).sort((a, b) => b.priority - a.priority);
        const starts = byPriority.map(({ startedAt }) => startedAt ?? 0);
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      }
    },
  },
  'delayed start': {
    create: ({ run }) => Promise.all(jobs.map((job) => run(job, { runAt: job.n % 2 === 0 ? DELAY_MS : undefined }))),
    check: (runs) => {
      for (const { input, createdAt, startedAt = 0 } of runs) {
        if (input.n % 2 === 0) expect(startedAt - createdAt).toBeGreaterThanOrEqual(DELAY_MS - 1);
      }
    },
  },
  retries: {
    options: { retries: { maxAttempts: 3, delay: 10 } },
    act: async ({ run, step, input }) => {
      const flaky = ({ attempt }: { attempt: number }) => {
        if (attempt === 1) throw new Error('no');
      };
      await step.run('flaky', flaky, { retries: { maxAttempts: 2, delay: 5 } });
      if (run.attempt <= input.n % 3) throw new Error('no');
    },
    check: (runs) => {
      for (const { input, attempt } of runs) expect(attempt).toBe(1 + (input.n % 3));
    },
  },
  'run timeout': {
    options: { timeout: '1h', maxAttempts: 1 },
    act: ({ step }) => step.waitFor('nap', '30d'),
    // Those that wait for a mutex come one after the other: each in the hour after the one before.
    goOn: async ({ engine }) => {
      const left = () => engine.client.listRuns({ workflow: 'gated', status: 'waiting' });
      const isOver = async () => (await engine.client.getStats()).runs.failed === RUNS;
      while (!(await isOver())) {
        if ((await left()).items.length > 0) await engine.advance(HOUR_MS);
      }
    },
    ends: 'failed',
    check: (runs) => {
      for (const { startedAt = 0, finishedAt = 0 } of runs) expect(finishedAt - startedAt).toBeGreaterThanOrEqual(HOUR_MS);
    },
  },
  'idempotency key': {
    create: async ({ run }) => {
      const create = (job: Job) => run(job, { idempotencyKey: `i${job.n}` });
      await Promise.all(jobs.map(create));
      const again = await Promise.all(jobs.map(create));
      expect(again.every(({ deduplicated }) => deduplicated)).toBe(true);
    },
  },
  debounce: {
    options: { debounce: { key: ({ n }) => `${n}`, period: '1h' } },
    create: async ({ run }) => {
      await Promise.all(jobs.map((job) => run(job)));
      const again = await Promise.all(jobs.map((job) => run(job)));
      expect(again.every(({ deduplicated }) => deduplicated)).toBe(true);
    },
    goOn: ({ engine }) => engine.advance(HOUR_MS),
  },
  rateLimit: {
    options: { rateLimit: { limit: RUNS, period: '1h' } },
    create: async ({ run }) => {
      await Promise.all(jobs.map((job) => run(job)));
      expect(await rejection(run(jobs[0]))).toBeInstanceOf(RateLimitedError);
    },
  },
  children: {
    act: ({ step, input }) => step.runWorkflow('leaf', leaf, input.n),
    create: ({ engine, gated }) => {
      const parent = workflow('parent', ({ step }: WorkflowContext) =>
        Promise.all(jobs.map((job) => step.runWorkflow(`${job.n}`, gated, job))),
      );
      return engine
        .startWorker({ workflows: [parent], queues: ['parents'] })
        .then(() => engine.client.run(parent, undefined, { queue: 'parents' }));
    },
  },
};

const COMBINATIONS: Gate[][] = [
  ['mutex', 'throttle'],
  ['mutex', 'maxConcurrency'],
  ['throttle', 'maxConcurrency'],
  ['mutex', 'throttle', 'maxConcurrency'],
];

describe.each(COMBINATIONS.map((gates) => ({ gates, names: gates.join(', ') })))('$names', ({ gates }) => {
  it.each(Object.keys(FEATURES))('keep what they promise with %s', async (name) => {
    const { options, act, create, goOn, ends = 'succeeded', check } = FEATURES[name];
    const gated = workflow(
      'gated',
      async (ctx: WorkflowContext<Job>) => {
        await ctx.step.run('before', () => new Promise((resolve) => setImmediate(resolve, null)));
        await act?.(ctx);
        await ctx.step.run('after', () => null);
      },
      Object.assign({}, ...gates.map((gate) => OPTIONS[gate]), options),
    );
    const engine = await startEngine({ workflows: [gated, leaf], worker: false });
    const run = (job: Job, given?: CreateOptions) => engine.client.run(gated, job, given);
    const stage: Stage = { engine, gated, run };
    await (create ? create(stage) : Promise.all(jobs.map((job) => run(job))));
    await engine.startWorker({ concurrency: 4 });
    await engine.startWorker({ concurrency: 4 });
    await goOn?.(stage);
    for (const { id } of await runsOf(engine)) await engine.until(id, ends);
    const runs = await runsOf(engine);
    expect(runs.map(({ input }) => input.n).sort()).toEqual(jobs.map(({ n }) => n));
    const passes = (await Promise.all(runs.map(({ id }) => engine.client.getRunAttempts(id)))).flat();
    check?.(runs);
    for (const gate of gates) PROMISES[gate](runs, passes);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

async function runsOf(engine: Engine): Promise<RunRecord<Job>[]> {
  return (await engine.client.listRuns({ workflow: 'gated', limit: 100 })).items as RunRecord<Job>[];
}
