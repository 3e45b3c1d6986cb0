import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  type CreateOptions,
  IdempotencyConflictError,
  InvalidOptionError,
  RateLimitedError,
  type RunHandle,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

interface Order {
  key: string;
  n: number;
}

const HOUR_MS = 3_600_000;
const byKey = ({ key }: Order) => key;
const limits = {
  debounce: { key: byKey, period: '1h' },
  rateLimit: { key: byKey, limit: 1, period: '1d' },
  mutex: byKey,
  throttle: { key: byKey, limit: 1, period: '1d' },
};

/** A workflow with some of the limits, without a worker at first. Runs with a negative number hold on until they are canceled. */
async function stage(...names: Array<keyof typeof limits>) {
  const engine = await startEngine({ worker: false });
  const executed: number[] = [];
  const order = workflow(
    'order',
    async (ctx: WorkflowContext<Order>) => {
      await ctx.step.run('note', () => void executed.push(ctx.input.n));
      if (ctx.input.n < 0) await ctx.step.waitForEvent('never', { event: 'never', correlationKey: 'k' });
    },
    Object.fromEntries(names.map((name) => [name, limits[name]])),
  );
  const run = (n: number, options: CreateOptions = {}, key = 'k') => engine.client.run(order, { key, n }, options);
  return {
    engine,
    executed,
    run,
    refusal: (n: number, options: CreateOptions = {}) => rejection(run(n, options)),
    work: () => engine.startWorker({ workflows: [order] }),
    field: (handle: RunHandle, name: string) => engine.redis.hget(engine.key(`run:${handle.id}`), name),
    count: () => engine.client.listRuns().then(({ items }) => items.length),
    starts: () => engine.redis.zcard(engine.key('starts:5:order:k')),
    blocked: (handle: RunHandle, blockedBy: string) =>
      eventually(async () => expect(await handle.getState()).toMatchObject({ status: 'queued', blockedBy })),
  };
}

type Check = () => Promise<void>;

const PAIRS: Array<[pair: string, check: Check]> = [
  [
    '`runId`, `idempotencyKey`',
    async () => {
      const { run, count } = await stage();
      await run(1, { runId: 'a', idempotencyKey: 'i' });
      expect(await run(1, { runId: 'b', idempotencyKey: 'i' })).toMatchObject({ id: 'a', deduplicated: true });
      expect(await run(1, { runId: 'a', idempotencyKey: 'j' })).toMatchObject({ id: 'a', deduplicated: true });
      expect(await run(1, { idempotencyKey: 'j' })).toMatchObject({ deduplicated: false });
      expect(await count()).toBe(2);
    },
  ],
  [
    '`runId`, `onConflict`',
    async () => {
      const { run, refusal } = await stage();
      await run(1, { runId: 'a' });
      expect(await run(1, { runId: 'a', onConflict: 'error' })).toMatchObject({ id: 'a', deduplicated: true });
      expect(await refusal(2, { runId: 'a', onConflict: 'error' })).toBeInstanceOf(IdempotencyConflictError);
    },
  ],
  [
    '`runId`, `runAt`',
    async () => {
      const { run } = await stage();
      const { availableAt } = await (await run(1, { runId: 'a', runAt: '1h' })).getState();
      expect(await (await run(1, { runId: 'a', runAt: '2h' })).getState()).toMatchObject({ status: 'scheduled', availableAt });
    },
  ],
  [
    '`runId`, `debounce`',
    async () => {
      const { refusal, count } = await stage('debounce');
      expect(await refusal(1, { runId: 'a' })).toMatchObject({ constructor: InvalidOptionError, option: 'runId' });
      expect(await count()).toBe(0);
    },
  ],
  [
    '`runId`, `rateLimit`',
    async () => {
      const { run, refusal } = await stage('rateLimit');
      await run(1, { runId: 'a' });
      expect(await run(1, { runId: 'a' })).toMatchObject({ deduplicated: true });
      expect(await refusal(1, { runId: 'b' })).toBeInstanceOf(RateLimitedError);
    },
  ],
  [
    '`runId`, `mutex`',
    async () => {
      const { run, field } = await stage('mutex');
      await run(1, { runId: 'a' });
      expect(await field(await run(1, { runId: 'a' }, 'other'), 'mx')).toBe('k');
    },
  ],
  [
    '`runId`, `throttle`',
    async () => {
      const { run, work, starts } = await stage('throttle');
      const handle = await run(1, { runId: 'a' });
      await work();
      await handle.result();
      await (await run(1, { runId: 'a' })).result();
      expect(await starts()).toBe(1);
    },
  ],
  [
    '`idempotencyKey`, `onConflict`',
    async () => {
      const { run, refusal } = await stage();
      const { id } = await run(1, { idempotencyKey: 'i' });
      expect(await run(1, { idempotencyKey: 'i', onConflict: 'error' })).toMatchObject({ id, deduplicated: true });
      expect(await refusal(2, { idempotencyKey: 'i', onConflict: 'error' })).toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
        existingRunId: id,
      });
    },
  ],
  [
    '`idempotencyKey`, `runAt`',
    async () => {
      const { run } = await stage();
      const { availableAt } = await (await run(1, { idempotencyKey: 'i', runAt: '1h' })).getState();
      expect(await (await run(1, { idempotencyKey: 'i' })).getState()).toMatchObject({ status: 'scheduled', availableAt });
    },
  ],
  [
    '`idempotencyKey`, `debounce`',
    async () => {
      const { run } = await stage('debounce');
      const first = await run(1, { idempotencyKey: 'i' });
      expect(await run(2, { idempotencyKey: 'i' })).toMatchObject({ id: first.id, deduplicated: true });
      expect(await first.getState()).toMatchObject({ input: { n: 1 } });
      expect(await run(3, { idempotencyKey: 'j' })).toMatchObject({ id: first.id, deduplicated: true });
      await first.cancel();
      expect(await run(4, { idempotencyKey: 'j' })).toMatchObject({ id: first.id, deduplicated: true });
      expect(await first.getState()).toMatchObject({ input: { n: 3 } });
    },
  ],
  [
    '`idempotencyKey`, `rateLimit`',
    async () => {
      const { run, refusal } = await stage('rateLimit');
      await run(1, { idempotencyKey: 'i' });
      expect(await run(2, { idempotencyKey: 'i' })).toMatchObject({ deduplicated: true });
      expect(await refusal(2, { idempotencyKey: 'j' })).toBeInstanceOf(RateLimitedError);
      // A refused create does not take its key.
      expect(await run(3, { idempotencyKey: 'j' }, 'other')).toMatchObject({ deduplicated: false });
    },
  ],
  [
    '`idempotencyKey`, `mutex`',
    async () => {
      const { run, field, count } = await stage('mutex');
      await run(1, { idempotencyKey: 'i' });
      expect(await field(await run(1, { idempotencyKey: 'i' }, 'other'), 'mx')).toBe('k');
      expect(await count()).toBe(1);
    },
  ],
  [
    '`idempotencyKey`, `throttle`',
    async () => {
      const { run, work, starts } = await stage('throttle');
      const handle = await run(1, { idempotencyKey: 'i' });
      await work();
      await handle.result();
      await (await run(1, { idempotencyKey: 'i' })).result();
      expect(await starts()).toBe(1);
    },
  ],
  [
    '`onConflict`, `runAt`',
    async () => {
      const { run } = await stage();
      await run(1, { runId: 'a', runAt: '1h' });
      expect(await run(1, { runId: 'a', runAt: '2h', onConflict: 'error' })).toMatchObject({ deduplicated: true });
    },
  ],
  [
    '`onConflict`, `debounce`',
    async () => {
      const { run, refusal } = await stage('debounce');
      const { id } = await run(1, { idempotencyKey: 'i', onConflict: 'error' });
      expect(await run(2, { idempotencyKey: 'j', onConflict: 'error' })).toMatchObject({ id, deduplicated: true });
      expect(await run(2, { idempotencyKey: 'i', onConflict: 'error' })).toMatchObject({ id, deduplicated: true });
      expect(await refusal(1, { idempotencyKey: 'i', onConflict: 'error' })).toBeInstanceOf(IdempotencyConflictError);
    },
  ],
  [
    '`onConflict`, `rateLimit`',
    async () => {
      const { run, refusal } = await stage('rateLimit');
      await run(1, { runId: 'a' });
      expect(await refusal(2, { runId: 'a', onConflict: 'error' })).toBeInstanceOf(IdempotencyConflictError);
      expect(await refusal(2, { runId: 'b', onConflict: 'error' })).toBeInstanceOf(RateLimitedError);
    },
  ],
  [
    '`onConflict`, `mutex`',
    async () => {
      const { engine, run, refusal } = await stage('mutex');
      await run(1, { runId: 'a' });
      expect(await refusal(2, { runId: 'a', onConflict: 'error' })).toBeInstanceOf(IdempotencyConflictError);
      expect(await engine.client.getRun('a')).toMatchObject({ input: { n: 1 } });
    },
  ],
  [
    '`onConflict`, `throttle`',
    async () => {
      const { run, refusal, work, starts } = await stage('throttle');
      const handle = await run(1, { runId: 'a' });
      await work();
      await handle.result();
      expect(await refusal(2, { runId: 'a', onConflict: 'error' })).toBeInstanceOf(IdempotencyConflictError);
      expect(await starts()).toBe(1);
    },
  ],
  [
    '`runAt`, `debounce`',
    async () => {
      const { refusal, count } = await stage('debounce');
      expect(await refusal(1, { runAt: '1h' })).toMatchObject({ constructor: InvalidOptionError, option: 'runAt' });
      expect(await count()).toBe(0);
    },
  ],
  [
    '`runAt`, `rateLimit`',
    async () => {
      const { engine, run, refusal } = await stage('rateLimit');
      await run(1, { runAt: '2d' });
      expect(await refusal(2)).toBeInstanceOf(RateLimitedError);
      await engine.advance(24 * HOUR_MS);
      expect(await run(2)).toMatchObject({ deduplicated: false });
    },
  ],
  [
    '`runAt`, `mutex`',
    async () => {
      const { engine, run, work, executed } = await stage('mutex');
      const later = await run(1, { runAt: '1h' });
      await work();
      const holder = await run(-2);
      await engine.until(holder.id, 'waiting');
      await engine.advance(HOUR_MS);
      await eventually(async () => expect(await later.getState()).toMatchObject({ blockedBy: 'mutex' }));
      await holder.cancel();
      await later.result();
      expect(executed).toEqual([-2, 1]);
    },
  ],
  [
    '`runAt`, `throttle`',
    async () => {
      const { engine, run, work, blocked } = await stage('throttle');
      const later = await run(1, { runAt: '1h' });
      await work();
      await (await run(2)).result();
      await engine.advance(HOUR_MS);
      await blocked(later, 'throttle');
      await engine.advance(23 * HOUR_MS);
      await later.result();
    },
  ],
  [
    '`debounce`, `rateLimit`',
    async () => {
      const { engine, run, refusal, work } = await stage('debounce', 'rateLimit');
      const first = await run(1);
      expect(await run(2)).toMatchObject({ id: first.id, deduplicated: true });
      await work();
      await engine.advance(HOUR_MS);
      await first.result();
      expect(await refusal(3)).toBeInstanceOf(RateLimitedError);
    },
  ],
  [
    '`debounce`, `mutex`',
    async () => {
      const { engine, run, work, executed, blocked } = await stage('debounce', 'mutex');
      await work();
      const holder = await run(-1);
      await engine.advance(HOUR_MS);
      await engine.until(holder.id, 'waiting');
      const second = await run(2);
      expect(await run(3)).toMatchObject({ id: second.id });
      await engine.advance(HOUR_MS);
      await blocked(second, 'mutex');
      // It has left its delay: it takes no input any more.
      expect((await run(4)).id).not.toBe(second.id);
      await holder.cancel();
      await second.result();
      expect(executed).toEqual([-1, 3]);
    },
  ],
  [
    '`debounce`, `throttle`',
    async () => {
      const { engine, run, work, starts, blocked } = await stage('debounce', 'throttle');
      await work();
      const first = await run(1);
      expect(await starts()).toBe(0);
      await engine.advance(HOUR_MS);
      await first.result();
      const second = await run(2);
      await engine.advance(HOUR_MS);
      await blocked(second, 'throttle');
      expect((await run(3)).id).not.toBe(second.id);
    },
  ],
  [
    '`rateLimit`, `mutex`',
    async () => {
      const { engine, run, refusal, work, blocked } = await stage('rateLimit', 'mutex');
      await work();
      const holder = await run(-1);
      await engine.until(holder.id, 'waiting');
      expect(await refusal(2)).toBeInstanceOf(RateLimitedError);
      await engine.advance(24 * HOUR_MS);
      const second = await run(3);
      await blocked(second, 'mutex');
      expect(await refusal(4)).toBeInstanceOf(RateLimitedError);
    },
  ],
  [
    '`rateLimit`, `throttle`',
    async () => {
      const { engine, run, refusal, work, starts, blocked } = await stage('rateLimit', 'throttle');
      const first = await run(1);
      expect(await refusal(2)).toBeInstanceOf(RateLimitedError);
      await engine.advance(24 * HOUR_MS);
      const second = await run(3);
      await work();
      await first.result();
      await blocked(second, 'throttle');
      expect(await starts()).toBe(1);
    },
  ],
  [
    '`mutex`, `throttle`',
    async () => {
      const { engine, run, work, starts, blocked } = await stage('mutex', 'throttle');
      await work();
      const holder = await run(-1);
      await engine.until(holder.id, 'waiting');
      const second = await run(2);
      await blocked(second, 'mutex');
      expect(await starts()).toBe(1);
      await holder.cancel();
      await blocked(second, 'throttle');
      await engine.advance(24 * HOUR_MS);
      await second.result();
      expect(await engine.redis.exists(engine.key('mutex:5:order:k'))).toBe(0);
    },
  ],
];

const OPTIONS = ['runId', 'idempotencyKey', 'onConflict', 'runAt', 'debounce', 'rateLimit', 'mutex', 'throttle'];

describe('options of creates and limits together', () => {
  it.each(PAIRS)('%s', async (_pair, check) => {
    await check();
  });

  it('are all here, and in the recipe', () => {
    const all = OPTIONS.flatMap((one, index) => OPTIONS.slice(index + 1).map((other) => `\`${one}\`, \`${other}\``));
    const recipe = readFileSync('docs/recipes/limits.md', 'utf8');
    expect(PAIRS.map(([pair]) => pair)).toEqual(all);
    expect(all.filter((pair) => !recipe.includes(`\n| ${pair} | `))).toEqual([]);
  });
});
