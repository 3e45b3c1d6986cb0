import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { perPass } from '../../support/passes.js';

const retryAtOnce = { retries: { delay: 0 } };

function failOnce(ctx: WorkflowContext): void {
  if (ctx.run.attempt === 1) throw new Error('once more');
}

/** A promise chain that takes so many turns of the microtask queue longer. */
async function deeply<T>(depth: number, promise: Promise<T>): Promise<T> {
  return depth === 0 ? promise : deeply(depth - 1, promise);
}

describe('steps in parallel', () => {
  it('run at the same time and keep their places', async () => {
    const entered: string[] = [];
    const everybody = gate();
    const handler = (ctx: WorkflowContext) =>
      Promise.all(
        ['a', 'b', 'c'].map((name) =>
          ctx.step.run(name, async () => {
            if (entered.push(name) === 3) everybody.open();
            await everybody.promise;
            return name;
          }),
        ),
      );
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    expect(await (await engine.client.run(flow, undefined)).result()).toEqual(['a', 'b', 'c']);
    expect(entered).toEqual(['a', 'b', 'c']);
  });

  it('keep their outcomes for allSettled() on every pass', async () => {
    const calls: string[] = [];
    const seen: unknown[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const outcomes = await Promise.allSettled([
        ctx.step.run('good', () => calls.push('good')),
        ctx.step.run('bad', () => {
          calls.push('bad');
          throw new Error('no');
        }),
      ]);
      seen.push(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)));
      await ctx.step.run('after', () => calls.push('after'));
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(perPass(seen)).toEqual(
      perPass([
        [1, 'no'],
        [1, 'no'],
      ]),
    );
    expect(calls).toEqual(['good', 'bad', 'after']);
  });

  it('sleep side by side, parking until the first sleep ends', async () => {
    const order: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const nap = async (name: string, hours: number) => {
        await ctx.step.waitFor(name, `${hours}h`);
        await ctx.step.run(`after ${name}`, () => order.push(name));
      };
      await Promise.all([nap('three', 3), nap('one', 1), nap('two', 2)]);
    };
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    for (let hour = 1; hour <= 3; hour++) {
      await eventually(async () => order.length === hour - 1 && (await handle.getState()).status === 'waiting');
      await engine.advance(3_600_000);
    }
    await handle.result();
    expect(order).toEqual(['one', 'two', 'three']);
  });
});

describe('Promise.race()', () => {
  it.each([0, 1, 7])(
    'has the same winner on replay, though the loser is requested first and the chain is %d deeper',
    async (depth) => {
      const winners: string[] = [];
      const loser = gate<string>();
      const handler = async (ctx: WorkflowContext) => {
        const slow = ctx.step.run('slow', () => loser.promise);
        const fast = deeply(
          depth,
          ctx.step.run('fast', async () => 'fast'),
        );
        winners.push(await Promise.race([slow, fast]));
        loser.open('slow');
        await slow;
        await ctx.step.run('after', () => 1);
        failOnce(ctx);
      };
      const flow = workflow('flow', handler, retryAtOnce);
      const engine = await startEngine({ workflows: [flow] });
      await (await engine.client.run(flow, undefined)).result();
      expect(perPass(winners)).toEqual(perPass(['fast', 'fast']));
    },
  );

  it('has the same winner where a branch of several steps wins', async () => {
    const winners: string[] = [];
    const loser = gate<string>();
    const handler = async (ctx: WorkflowContext) => {
      const slow = ctx.step.run('slow', () => loser.promise);
      const branch = async () => {
        await ctx.step.run('a', () => 1);
        await ctx.step.run('b', async () => 2);
        return ctx.step.run('c', async () => 'branch');
      };
      winners.push(await Promise.race([slow, branch()]));
      loser.open('slow');
      await slow;
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(perPass(winners)).toEqual(perPass(['branch', 'branch']));
  });

  it('has the same winner where both complete in the same turn', async () => {
    const winners: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const racers = ['a', 'b', 'c'].map((name, i) =>
        deeply(
          5 - i,
          ctx.step.run(name, () => name),
        ),
      );
      winners.push(await Promise.race(racers));
      await Promise.all(racers);
      await ctx.step.run('after', () => 1);
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(perPass(winners)).toEqual(perPass([winners[0], winners[0]]));
  });

  it('of a step that fails and one that succeeds replays the same', async () => {
    const seen: string[] = [];
    const late = gate<string>();
    const handler = async (ctx: WorkflowContext) => {
      const slow = ctx.step.run('slow', () => late.promise);
      const bad = ctx.step.run('bad', async () => {
        throw new Error('bad');
      });
      seen.push(await Promise.race([slow, bad]).catch((error: Error) => error.message));
      late.open('slow');
      await slow;
      await ctx.step.run('after', () => 1);
      failOnce(ctx);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    await (await engine.client.run(flow, undefined)).result();
    expect(perPass(seen)).toEqual(perPass(['bad', 'bad']));
  });

  it('of two sleeps is won by the shorter, also when both are over', async () => {
    const winners: string[] = [];
    const handler = async (ctx: WorkflowContext) => {
      const long = ctx.step.waitFor('long', '2h').then(() => 'long');
      const short = deeply(
        4,
        ctx.step.waitFor('short', '1h').then(() => 'short'),
      );
      winners.push(await Promise.race([long, short]));
      failOnce(ctx);
      return winners.at(-1);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(10 * 3_600_000);
    expect(await handle.result()).toBe('short');
    expect(winners).toEqual(['short', 'short']);
  });

  it.each(['step', 'sleep'])('of a step and a sleep has the same winner on replay, when both are over: %s', async (winner) => {
    const winners: string[] = [];
    const [slow, asleep] = [gate(), gate()];
    const handler = async (ctx: WorkflowContext) => {
      const sleep = deeply(
        winner === 'sleep' ? 4 : 0,
        ctx.step.waitFor('sleep', winner === 'sleep' ? 5 : '1h').then(() => 'sleep'),
      );
      const step = deeply(
        winner === 'step' ? 4 : 0,
        ctx.step.run('step', async () => {
          if (winner === 'sleep') await slow.promise;
          return 'step';
        }),
      );
      winners.push(await Promise.race([sleep, step]));
      asleep.open();
      slow.open();
      await Promise.all([sleep, step]);
      await ctx.step.run('after', () => 1);
      failOnce(ctx);
      return winners.at(-1);
    };
    const flow = workflow('flow', handler, retryAtOnce);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await asleep.promise;
    if (winner === 'step') await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await handle.result()).toBe(winner);
    expect(winners.length).toBeGreaterThan(1);
    expect(new Set(winners)).toEqual(new Set([winner]));
  });

  it('of a step and a sleep leaves the loser behind when the run ends', async () => {
    const handler = (ctx: WorkflowContext) =>
      Promise.race([ctx.step.waitFor('timeout', '1h').then(() => 'timeout'), ctx.step.run('quick', async () => 'quick')]);
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('quick');
    await engine.advance(2 * 3_600_000);
    expect((await handle.getState()).status).toBe('succeeded');
  });
});
