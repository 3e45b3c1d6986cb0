import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { gateKeys, shortestWindow, untilBlocked } from '../../support/gates.js';

const HOUR_MS = 3_600_000;
const never = new Promise<never>(() => undefined);

/** Runs that note their id, at most `limit` starts per hour. */
async function stage(limit: number) {
  const trace: string[] = [];
  const quick = workflow('quick', async (ctx: WorkflowContext) => ctx.step.run('note', () => void trace.push(ctx.run.id)), {
    throttle: { limit, period: '1h' },
  });
  const engine = await startEngine({ workflows: [quick] });
  const run = (runId: string) => engine.client.run(quick, undefined, { runId });
  const wait = async (...runIds: string[]) => {
    for (const runId of runIds) {
      await run(runId);
      await untilBlocked(engine, runId, 'throttle');
    }
  };
  return { engine, trace, run, wait };
}

describe('throttle', () => {
  it('lets no window have more starts than the limit, over workers that come and go', async () => {
    const LIMIT = 3;
    const PERIOD_MS = 300;
    const RUNS = 30;
    let started = 0;
    const limited = workflow('limited', (ctx: WorkflowContext) => ctx.step.run('count', () => ++started), {
      throttle: { limit: LIMIT, period: PERIOD_MS },
    });
    const engine = await startEngine({ workflows: [limited] });
    await engine.startWorker();
    const leaving = await engine.startWorker();
    const handles = await engine.client.runMany(
      limited,
      Array.from({ length: RUNS }, () => ({ input: undefined })),
    );
    await eventually(() => started >= RUNS / 3);
    await leaving.stop();
    await engine.startWorker();
    await Promise.all(handles.map((handle) => handle.result()));
    const { items } = await engine.client.listRuns({ limit: 100 });
    expect(items).toHaveLength(RUNS);
    expect(started).toBe(RUNS);
    expect(shortestWindow(items, LIMIT)).toBeGreaterThanOrEqual(PERIOD_MS);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('counts each key by itself', async () => {
    const limited = workflow('limited', () => 'done', {
      throttle: { key: (key: string | null) => key ?? undefined, limit: 1, period: '1h' },
    });
    const engine = await startEngine({ workflows: [limited] });
    for (const key of ['a', '', '{}', '1,2', 'a:b']) {
      await (await engine.client.run(limited, key)).result();
      const second = await engine.client.run(limited, key);
      await untilBlocked(engine, second.id, 'throttle');
    }
    for (let index = 0; index < 3; index++) await (await engine.client.run(limited, null)).result();
  });

  it('takes a run for one start, however often it is replayed, retried or recovered', async () => {
    let lives = 0;
    const bumpy = workflow(
      'bumpy',
      async (ctx: WorkflowContext) => {
        const { run, step } = ctx;
        if (run.id !== 'first') return;
        await step.run('one', () => 1);
        await step.waitFor('nap', 5);
        await step.run(
          'two',
          ({ attempt }) => {
            if (attempt === 1) throw new Error('no');
          },
          { retries: { maxAttempts: 2, delay: 5 } },
        );
        if (run.attempt === 1) throw new Error('no');
        if (++lives === 1) await never;
        await step.run('three', () => 3);
      },
      { throttle: { limit: 1, period: '1h' }, retries: { delay: 5 } },
    );
    const engine = await startEngine({ workflows: [bumpy], worker: { leaseMs: 60_000, reaperIntervalMs: 10 } });
    const first = await engine.client.run(bumpy, undefined, { runId: 'first' });
    const started = await engine.until('first', 'running', 'waiting');
    const second = await engine.client.run(bumpy, undefined, { runId: 'second' });
    await untilBlocked(engine, 'second', 'throttle');
    await eventually(() => lives === 1);
    await engine.redis.zadd(engine.key('workers'), 'XX', 1, engine.worker.id);
    await first.result();
    const ended = await first.getState();
    expect(ended).toMatchObject({ attempt: 2, recoveries: 1, startedAt: started.startedAt });
    expect(await second.getState()).toMatchObject({ status: 'queued', blockedBy: 'throttle' });
    expect(await engine.redis.zrange(engine.key('starts:5:bumpy:'), '0', '-1')).toEqual(['first']);
    await engine.advance(HOUR_MS);
    await second.result();
    expect(shortestWindow([ended, await second.getState()], 1)).toBeGreaterThanOrEqual(HOUR_MS);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('takes a retry by retryRun() for another start, behind those that wait', async () => {
    let broken = true;
    const failing = workflow(
      'failing',
      () => {
        if (broken) throw new Error('no');
      },
      { throttle: { limit: 1, period: '1h' }, maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [failing] });
    const first = await engine.client.run(failing, undefined);
    await engine.failure(first);
    broken = false;
    const second = await engine.client.run(failing, undefined);
    await untilBlocked(engine, second.id, 'throttle');
    await engine.client.retryRun(first.id);
    await untilBlocked(engine, first.id, 'throttle');
    await engine.advance(HOUR_MS);
    await second.result();
    expect(await first.getState()).toMatchObject({ blockedBy: 'throttle' });
    await engine.advance(HOUR_MS);
    await engine.until(first.id, 'succeeded');
  });

  it('counts the start before a retryRun() and the one after it', async () => {
    const flow = workflow(
      'failing',
      (ctx: WorkflowContext<boolean>) => {
        if (ctx.input) throw new Error('no');
      },
      { throttle: { limit: 2, period: '1h' }, maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow] });
    const failed = await engine.client.run(flow, true);
    await engine.failure(failed);
    const again = await engine.client.retryRun(failed.id);
    await engine.failure(again);
    const next = await engine.client.run(flow, false);
    await untilBlocked(engine, next.id, 'throttle');
    await engine.advance(HOUR_MS);
    await next.result();
  });

  it('is first in, first out, without those that were canceled in line', async () => {
    const { engine, trace, run, wait } = await stage(1);
    await (await run('first')).result();
    await wait('w1', 'w2', 'w3', 'w4', 'w5', 'w6');
    for (const id of ['w1', 'w3', 'w6']) await engine.client.cancelRun(id);
    for (const id of ['w2', 'w4', 'w5']) {
      await engine.advance(HOUR_MS);
      await engine.until(id, 'succeeded');
    }
    expect(trace).toEqual(['first', 'w2', 'w4', 'w5']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('loses nothing to a run that is canceled while it is blocked', async () => {
    const { engine, trace, run, wait } = await stage(2);
    await Promise.all([run('a'), run('b')]);
    await engine.until('a', 'succeeded');
    await engine.until('b', 'succeeded');
    await wait('canceled', 'c', 'd', 'e');
    await engine.client.cancelRun('canceled');
    await engine.advance(HOUR_MS);
    await engine.until('c', 'succeeded');
    await engine.until('d', 'succeeded');
    expect(await engine.client.getRun('e')).toMatchObject({ status: 'queued', blockedBy: 'throttle' });
    expect(trace.slice(2)).toEqual(['c', 'd']);
    expect(await engine.client.getRun('canceled')).not.toHaveProperty('startedAt');
  });
});
