import { describe, expect, it } from '@jest/globals';
import type { RunRecord, WorkflowOptions } from '../../../lib/engine/index.js';
import { gate, once, startEngine, workflow } from '../../support/engine.js';
import { gateKeys, untilBlocked } from '../../support/gates.js';

describe('maxConcurrency', () => {
  it('is kept over three workers, by runs that park in between', async () => {
    let running = 0;
    let most = 0;
    const limited = workflow(
      'limited',
      async (ctx) => {
        for (const name of ['a', 'b']) {
          await ctx.step.run(name, async () => {
            running++;
            most = Math.max(most, running);
            await new Promise(setImmediate);
            running--;
          });
          await ctx.step.waitFor(`after ${name}`, 5);
        }
      },
      { maxConcurrency: 3 },
    );
    const engine = await startEngine({ workflows: [limited] });
    await engine.startWorker();
    await engine.startWorker();
    const handles = await Promise.all(Array.from({ length: 60 }, () => engine.client.run(limited, undefined)));
    await Promise.all(handles.map((handle) => handle.result({ timeoutMs: 60_000 })));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
    expect(await engine.redis.exists(engine.key('slots:limited'))).toBe(0);
    expect(await engine.client.getWorkflowMeta('limited')).toMatchObject({ maxConcurrency: 3 });
  }, 90_000);

  it('blocks no other workflow of the queue, and shows what a run waits for', async () => {
    const opened = gate();
    const limited = workflow('limited', () => opened.promise, { maxConcurrency: 1 });
    const other = workflow('other', () => 'done');
    const engine = await startEngine({ workflows: [limited, other] });
    const first = await engine.client.run(limited, undefined);
    await engine.until(first.id, 'running');
    const second = await engine.client.run(limited, undefined);
    await expect((await engine.client.run(other, undefined)).result()).resolves.toBe('done');
    const blocked = await once(async () => {
      const run = await engine.client.getRun(second.id);
      return run?.blockedBy !== undefined && run;
    });
    expect(blocked).toMatchObject({ status: 'queued', blockedBy: 'maxConcurrency' });
    await expect(second.cancel()).resolves.toEqual({ canceled: true, status: 'canceled' });
    opened.open();
    await first.result();
  });

  it('refuses a limit that lets nothing run', () => {
    expect(() => workflow('limited', () => undefined, { maxConcurrency: 0 })).toThrow(
      'Expected `maxConcurrency` to be an integer of at least 1; got 0',
    );
  });
});

describe('mutex', () => {
  it('is held through sleeps and ends with a failure, a success or a cancellation', async () => {
    const trace: string[] = [];
    const exclusive = workflow(
      'exclusive',
      async (ctx) => {
        await ctx.step.run('enter', () => void trace.push(`+${ctx.run.id}`));
        await ctx.step.waitFor('inside', ctx.run.id === 'canceled' ? '1h' : 20);
        await ctx.step.run('leave', () => void trace.push(`-${ctx.run.id}`));
        if (ctx.run.id === 'failed') throw new Error('no');
      },
      { maxAttempts: 1, mutex: () => 'k' },
    );
    const engine = await startEngine({ workflows: [exclusive] });
    await engine.startWorker();
    await engine.client.pauseQueue('default');
    for (const runId of ['failed', 'canceled', 'last']) await engine.client.run(exclusive, undefined, { runId });
    await engine.client.resumeQueue('default');
    await engine.until('failed', 'failed');
    await engine.until('canceled', 'waiting');
    await engine.client.cancelRun('canceled');
    await engine.until('last', 'succeeded');
    expect(trace).toEqual(['+failed', '-failed', '+canceled', '+last', '-last']);
    expect(await engine.redis.keys(engine.key('mutex:*'))).toEqual([]);
  });
});

describe('pauseQueue()', () => {
  it('holds over a restart of the workers, and resumes at once', async () => {
    const quick = workflow('quick', () => 'done');
    const engine = await startEngine({ workflows: [quick] });
    await engine.client.pauseQueue('default');
    const handle = await engine.client.run(quick, undefined);
    await engine.worker.stop();
    await engine.startWorker();
    expect((await engine.client.getStats()).queues).toMatchObject([{ name: 'default', depth: 1, paused: true }]);
    await engine.client.resumeQueue('default');
    await expect(handle.result()).resolves.toBe('done');
    expect((await engine.client.getStats()).queues).toMatchObject([{ paused: false }]);
  });

  const gates: Array<[NonNullable<RunRecord['blockedBy']>, WorkflowOptions]> = [
    ['mutex', { mutex: () => 'k' }],
    ['throttle', { throttle: { limit: 1, period: '1h' } }],
    ['maxConcurrency', { maxConcurrency: 1 }],
  ];
  const table = gates.flatMap(([blockedBy, options]) => [
    { blockedBy, options, end: 'resumes' as const },
    { blockedBy, options, end: 'is canceled' as const },
  ]);

  it.each(table)('lets others pass a run that waits for the $blockedBy, until it $end', async ({ blockedBy, options, end }) => {
    const held = { first: gate(), third: gate() };
    const trace: string[] = [];
    const gated = workflow(
      'gated',
      async (ctx) => {
        await ctx.step.run('note', () => void trace.push(ctx.run.id));
        await held[ctx.run.id as keyof typeof held]?.promise;
      },
      options,
    );
    const engine = await startEngine({ workflows: [gated], worker: { queues: ['default', 'other'] } });
    const blocked = async (runId: string, queue: string) => {
      await engine.client.run(gated, undefined, { runId, queue });
      await untilBlocked(engine, runId, blockedBy);
    };
    const free = () => (blockedBy === 'throttle' ? engine.advance(3_600_000) : Promise.resolve());
    await engine.client.run(gated, undefined, { runId: 'first', queue: 'other' });
    await engine.until('first', 'running');
    await blocked('second', 'default');
    await blocked('third', 'other');
    await blocked('fourth', 'other');
    await engine.client.pauseQueue('default');
    held.first.open();
    await engine.until('first', 'succeeded');
    await free();
    await engine.until('third', 'running');
    expect(await engine.client.getRun('second')).toMatchObject({ status: 'queued', blockedBy });
    if (end === 'resumes') await engine.client.resumeQueue('default');
    else await engine.client.cancelRun('second');
    held.third.open();
    await engine.until('third', 'succeeded');
    const left = end === 'resumes' ? ['second', 'fourth'] : ['fourth'];
    for (const id of left) {
      await free();
      await engine.until(id, 'succeeded');
    }
    expect(trace).toEqual(['first', 'third', ...left]);
    await free();
    expect(await gateKeys(engine)).toEqual([]);
  });
});
