import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { StepContext, WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import { RunNotBlockedError, RunNotFoundError } from '../../../lib/engine/index.js';
import type { RunWorker } from '../../../lib/engine/worker/run-worker.js';
import { blocked } from '../../support/blocked.js';
import { type Engine, gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { ALWAYS_PARK } from '../../support/passes.js';

type Handler = (ctx: WorkflowContext) => unknown;

/** How long a step is held in a test that expects it to be. */
const GRACE = 300;

const flow = (handler: Handler, options: WorkflowOptions = {}) =>
  workflow('order', handler, { determinismGrace: GRACE, retries: { delay: 0 }, ...options });

/** Executes one handler until it waits, then deploys another. */
async function deployed(before: Handler, after: Handler, options: WorkflowOptions = {}): Promise<{ engine: Engine; id: string }> {
  const engine = await startEngine({ workflows: [flow(before, options)] });
  const { id } = await engine.client.runByName('order', {});
  await engine.until(id, 'waiting');
  await engine.worker.stop();
  await engine.startWorker({ workflows: [flow(after, options)] });
  return { engine, id };
}

/** Deploys another handler while the run sleeps for an hour, and then ends the sleep. */
async function redeployed(
  before: Handler,
  after: Handler,
  options: WorkflowOptions = {},
): Promise<{ engine: Engine; id: string }> {
  const found = await deployed(before, after, options);
  await found.engine.advance(3_600_000);
  return found;
}

/** Charges under a name, sleeps, and sends a receipt. */
const charging =
  (name: string, effects: string[], receipt = 'receipt'): Handler =>
  async ({ step }) => {
    await step.run(name, () => void effects.push('charge'));
    await step.waitFor('pause', '1h');
    await step.run(receipt, () => void effects.push('receipt'));
    return 'done';
  };

describe('a step that was renamed while its run slept', () => {
  it('blocks the run instead of doing its effect twice', async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects));
    const run = await blocked(engine, id);
    expect(run.blocked).toMatchObject({ by: 'code', step: 'charge-card', missing: ['charge'] });
    expect(run.blocked?.message).toMatch(/changed, or is not deterministic.*"charge-card".*"charge"/);
    expect(effects).toEqual(['charge']);
    expect(run).toMatchObject({ attempt: 1, recoveries: 0 });
    expect((await engine.client.getRunAttempts(id)).at(-1)?.outcome).toBe('blocked');
    expect(engine.logs.matching('error', /is blocked/)).toHaveLength(1);
  });

  it('is told where the handler writes its run to a log, too: that is no look at the attempt', async () => {
    const effects: string[] = [];
    const logged: unknown[] = [];
    const after: Handler = (ctx) => {
      logged.push(JSON.parse(JSON.stringify(ctx.run)));
      return charging('charge-card', effects)(ctx);
    };
    const { engine, id } = await redeployed(charging('charge', effects), after);
    await blocked(engine, id);
    expect(logged).toEqual([expect.objectContaining({ id, workflow: 'order', attempt: 1, maxAttempts: 3 })]);
    expect(effects).toEqual(['charge']);
  });

  it('reads its attempt through a proxy of its run, too, and through what inherits from it', async () => {
    const read = flow(({ run }) => Promise.resolve([new Proxy(run, {}).attempt, Object.create(run).attempt, { ...run }.attempt]));
    const engine = await startEngine({ workflows: [read] });
    expect(await (await engine.client.run(read, {})).result()).toEqual([1, 1, 1]);
  });

  it('goes on where the old name is deployed again', async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects));
    await blocked(engine, id);
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(charging('charge', effects))] });
    const run = await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'receipt']);
    expect(run).not.toHaveProperty('blocked');
    expect(run).not.toHaveProperty('blockedBy');
  });

  it('is blocked again where it is resumed under the same code', async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects));
    await blocked(engine, id);
    await engine.client.resumeRun(id);
    await eventually(() => expect(engine.logs.matching('error', /is blocked/)).toHaveLength(2));
    await blocked(engine, id);
    expect(effects).toEqual(['charge']);
  });

  it('is left behind where that is accepted', async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects));
    await blocked(engine, id);
    await engine.client.resumeRun(id, { accept: true });
    const run = await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'charge', 'receipt']);
    expect(run).not.toHaveProperty('unasked');
  });

  it.each(['wait', 'child', 'emit'] as const)('is caught whatever kind it is: a %s', async (kind) => {
    const child = workflow('child', () => 'of its own');
    const named =
      (name: string): Handler =>
      async ({ step }) => {
        if (kind === 'wait') await step.waitFor(name, 0);
        if (kind === 'child') await step.runWorkflow(name, child, undefined);
        if (kind === 'emit') await step.emitWorkflow(name, child, undefined);
        await step.waitFor('pause', '1h');
      };
    const engine = await startEngine({ workflows: [flow(named('old')), child] });
    const { id } = await engine.client.runByName('order', {});
    await eventually(async () => expect((await engine.client.getRunSteps(id)).at(-1)?.name).toBe('pause'));
    await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(named('new')), child] });
    await engine.advance(3_600_000);
    expect((await blocked(engine, id)).blocked).toMatchObject({ step: 'new', missing: ['old', 'pause'].slice(0, 1) });
    expect((await engine.client.listRuns({ workflow: 'child' })).items).toHaveLength(kind === 'wait' ? 0 : 1);
  });

  it('is caught where it is a child that still runs', async () => {
    const open = gate();
    const child = workflow('child', ({ step }) => step.waitFor('pause', '1d'));
    const waiting =
      (name: string): Handler =>
      ({ step }) =>
        Promise.all([step.runWorkflow(name, child, undefined), step.waitFor('nap', '1h')]);
    const engine = await startEngine({ workflows: [flow(waiting('old')), child] });
    const { id } = await engine.client.runByName('order', {});
    await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(waiting('new')), child] });
    await engine.advance(3_600_000);
    await blocked(engine, id);
    open.open();
    expect((await engine.client.listRuns({ workflow: 'child' })).items).toHaveLength(1);
  });
});

describe('steps in another order', () => {
  it('block the run', async () => {
    const effects: string[] = [];
    const act = (step: WorkflowContext['step'], name: string) => step.run(name, () => void effects.push(name));
    const before: Handler = async ({ step }) => {
      await act(step, 'a');
      await step.waitFor('pause', '1h');
      await act(step, 'b');
    };
    const after: Handler = async ({ step }) => {
      await act(step, 'b');
      await act(step, 'a');
      await step.waitFor('pause', '1h');
    };
    const { engine, id } = await redeployed(before, after);
    expect((await blocked(engine, id)).blocked).toMatchObject({ step: 'b', missing: ['a'] });
    expect(effects).toEqual(['a']);
  });
});

describe('a step that was removed', () => {
  const before: Handler = async ({ step }) => {
    await step.run('charge', () => 1);
    await step.waitFor('pause', '1h');
    return 'done';
  };
  const after: Handler = async ({ step }) => {
    await step.waitFor('pause', '1h');
    return 'done';
  };

  it('is noted on a run that succeeds without it, and warned of once per workflow', async () => {
    const engine = await startEngine({ workflows: [flow(before)] });
    const ids = (await engine.client.runMany('order', [{ input: 1 }, { input: 2 }])).map(({ id }) => id);
    for (const id of ids) await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(after)] });
    await engine.advance(3_600_000);
    for (const id of ids) expect((await engine.until(id, 'succeeded')).unasked).toEqual(['charge']);
    expect(engine.logs.matching('warn', /succeeded without asking for step "charge"/)).toHaveLength(1);
  });

  it.each(['off'] as const)('is nothing to speak of with determinism: %s', async (determinism) => {
    const { engine, id } = await redeployed(before, after, { determinism });
    expect(await engine.until(id, 'succeeded')).not.toHaveProperty('unasked');
  });
});

describe('determinism', () => {
  it("'warn' goes on, and says so once", async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects), {
      determinism: 'warn',
    });
    await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'charge', 'receipt']);
    expect(engine.logs.matching('warn', /"charge-card"/)).toHaveLength(1);
  });

  it("'off' does not look", async () => {
    const effects: string[] = [];
    const { engine, id } = await redeployed(charging('charge', effects), charging('charge-card', effects), {
      determinism: 'off',
    });
    await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'charge', 'receipt']);
  });
});

describe('a run that the code of one deployment blocks', () => {
  const old = (effects: string[], deployment: string) => ({ deployment, workflows: [flow(charging('charge', effects))] });
  const renamed = (effects: string[], deployment: string) => ({
    deployment,
    workflows: [flow(charging('charge-card', effects))],
  });

  /** Begun under the old code, and blocked by the new one, which is all that lives. */
  async function blockedByNew(effects: string[]) {
    const engine = await startEngine({ ...old(effects, 'old') });
    const { id } = await engine.client.runByName('order', {});
    await engine.until(id, 'waiting');
    await engine.worker.stop();
    const bad = await engine.startWorker(renamed(effects, 'bad'));
    await engine.advance(3_600_000);
    await blocked(engine, id);
    return { engine, id, bad };
  }

  it('is executed by an older one that lives beside it', async () => {
    const effects: string[] = [];
    const engine = await startEngine({ ...old(effects, 'old') });
    const { id } = await engine.client.runByName('order', {});
    await engine.until(id, 'waiting');
    await engine.worker.stop();
    await engine.startWorker(renamed(effects, 'bad'));
    await engine.startWorker(old(effects, 'old'));
    await engine.advance(3_600_000);
    const run = await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'receipt']);
    expect(run).not.toHaveProperty('blocked');
    expect(run).toMatchObject({ attempt: 1, recoveries: 0 });
  });

  it('is executed by one that comes later', async () => {
    const effects: string[] = [];
    const { engine, id } = await blockedByNew(effects);
    await engine.startWorker(old(effects, 'mended'));
    await engine.until(id, 'succeeded');
    expect(effects).toEqual(['charge', 'receipt']);
    expect(await engine.redis.exists(engine.key('blocked:order'), engine.key('blocked'))).toBe(0);
  });

  it('is tried once by each of several that all block it', async () => {
    const effects: string[] = [];
    const { engine, id } = await blockedByNew(effects);
    await engine.startWorker(renamed(effects, 'worse'));
    await eventually(() => expect(engine.logs.matching('error', /is blocked/)).toHaveLength(2));
    await engine.startWorker(renamed(effects, 'worst'));
    await eventually(() => expect(engine.logs.matching('error', /is blocked/)).toHaveLength(3));
    await blocked(engine, id);
    expect(await engine.redis.hget(engine.key(`run:${id}`), 'on')).toBeNull();
    expect(Object.keys(JSON.parse((await engine.redis.hget(engine.key(`data:${id}`), 'bd')) as string).d).sort()).toEqual([
      'bad',
      'worse',
      'worst',
    ]);
    expect(await engine.redis.zcard(engine.key('queue:default'))).toBe(0);
    expect(effects).toEqual(['charge']);
  });
});

describe('a blocked run', () => {
  const effects: string[] = [];
  const block = (options: WorkflowOptions = {}) =>
    redeployed(charging('charge', effects), charging('charge-card', effects), options);

  it('can be canceled', async () => {
    const { engine, id } = await block();
    await blocked(engine, id);
    expect(await engine.client.cancelRun(id)).toMatchObject({ canceled: true });
    expect(await engine.until(id, 'canceled')).not.toHaveProperty('blocked');
    expect(await engine.redis.exists(engine.key('blocked:order'))).toBe(0);
  });

  it('keeps its mutex, and gives back its slot', async () => {
    const { engine, id } = await block({ mutex: () => 'one', maxConcurrency: 1 });
    await blocked(engine, id);
    expect(await engine.redis.exists(engine.key('mutex:5:order:one'))).toBe(1);
    expect(await engine.redis.exists(engine.key('slots:order'))).toBe(0);
  });

  it('has its timeout stand still', async () => {
    const { engine, id } = await block({ timeout: '2h' });
    await blocked(engine, id);
    await engine.advance(10 * 3_600_000);
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(charging('charge', effects), { timeout: '2h' })] });
    expect((await engine.until(id, 'succeeded', 'failed')).status).toBe('succeeded');
  });

  it('keeps what comes for it meanwhile, and is not woken', async () => {
    const waiting =
      (name: string): Handler =>
      async ({ step }) => {
        await step.run(name, () => 1);
        const event = step.waitForEvent('paid', { event: 'paid', correlationKey: 'k' });
        await step.waitFor('pause', '1h');
        return (await event)?.data;
      };
    const { engine, id } = await redeployed(waiting('charge'), waiting('charge-card'));
    await blocked(engine, id);
    await engine.client.emitEvent('paid', 'in full', { correlationKey: 'k' });
    await blocked(engine, id);
    expect(engine.logs.matching('error', /is blocked/)).toHaveLength(1);
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow(waiting('charge'))] });
    expect((await engine.until(id, 'succeeded')).output).toBe('in full');
  });

  it('does not run what the handler has in `finally`', async () => {
    const cleaned: string[] = [];
    const handler =
      (name: string): Handler =>
      async (ctx) => {
        try {
          await charging(name, [])(ctx);
        } finally {
          cleaned.push(name);
        }
      };
    const { engine, id } = await redeployed(handler('charge'), handler('charge-card'));
    await blocked(engine, id);
    await engine.client.cancelRun(id);
    expect(cleaned).toEqual([]);
  });

  it('is resumed with others that a filter matches', async () => {
    const { engine, id } = await block();
    await blocked(engine, id);
    expect(await engine.client.resumeRuns({ workflow: 'other' })).toEqual({ resumed: 0 });
    expect(await engine.client.resumeRuns({ workflow: 'order' }, { accept: true })).toEqual({ resumed: 1 });
    await engine.until(id, 'succeeded');
    expect((await rejection(engine.client.resumeRuns({}))).message).toMatch(/at least one of workflow, queue/);
  });

  it('counts as queued', async () => {
    const { engine, id } = await block();
    await blocked(engine, id);
    const stats = await engine.client.getStats();
    expect(stats.runs).toMatchObject({ queued: 1, running: 0 });
    expect(stats.blocked).toEqual([{ workflow: 'order', runs: 1 }]);
    expect((await engine.client.listRuns({ status: 'queued' })).items).toMatchObject([{ id, blockedBy: 'code' }]);
  });
});

describe('resumeRun()', () => {
  it('refuses runs that are not blocked, and those that are none', async () => {
    const engine = await startEngine({ workflows: [flow(() => 1)] });
    const handle = await engine.client.runByName('order', {});
    await handle.result();
    expect(await rejection(engine.client.resumeRun(handle.id))).toBeInstanceOf(RunNotBlockedError);
    expect(await rejection(engine.client.resumeRun('nobody'))).toBeInstanceOf(RunNotFoundError);
    const accept = 'yes' as unknown as boolean;
    expect((await rejection(engine.client.resumeRun(handle.id, { accept }))).message).toMatch(/`accept`.*true or false/);
  });
});

describe('a wait of the way after a failure that then does not happen', () => {
  const child = workflow('late', async ({ step }) => {
    await step.waitForEvent('told', { event: 'tell', correlationKey: 'k' });
    return 'late';
  });
  const opened: Record<string, (step: WorkflowContext['step']) => Promise<unknown>> = {
    'a sleep': (step) => step.waitFor('limit', '1h'),
    'an event with a timeout': (step) => step.waitForEvent('limit', { event: 'never', correlationKey: 'k', timeout: '1h' }),
    'a wait for any': (step) => step.waitForAny('limit', { soon: { for: '1h' }, never: { event: 'never', correlationKey: 'k' } }),
    'an event that comes': (step) => step.waitForEvent('limit', { event: 'tell', correlationKey: 'k' }),
    'a child that ends': (step) => step.runWorkflow('limit', child, undefined),
  };

  it.each(Object.keys(opened))('is not missed once it is over: %s', async (kind) => {
    const open = opened[kind];
    let isBroken = true;
    const handler: Handler = async ({ step }) => {
      try {
        await step.run('flaky', () => {
          if (isBroken) throw new Error('not yet');
        });
      } catch (error) {
        isBroken = false;
        await Promise.race([step.waitFor('moment', 5), open(step)]);
        throw error;
      }
      await step.waitFor('pause', '1h');
      await step.run('after', () => 1);
      await step.waitFor('again', '1h');
      return step.run('end', () => 'done');
    };
    const engine = await startEngine({ workflows: [flow(handler, { maxAttempts: 2 }), child] });
    const handle = await engine.client.runByName('order', {});
    const asleep = (name: string) =>
      eventually(async () => {
        expect((await engine.client.getRunSteps(handle.id)).map((step) => step.name)).toContain(name);
        expect((await handle.getState()).status).toBe('waiting');
      });
    await asleep('pause');
    await engine.client.emitEvent('tell', {}, { correlationKey: 'k' });
    await eventually(async () => (await engine.client.listRuns({ workflow: 'late', status: 'waiting' })).items.length === 0);
    await engine.advance(3_600_000);
    await asleep('again');
    await engine.advance(3_600_000);
    expect(await handle.result()).toBe('done');
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
    expect((await handle.getState()).unasked).toBeUndefined();
  });
});

/** What legitimate handlers do. Each is cut by a crash while it waits for the first time, and must end as if nothing had been. */
const LEGITIMATE: Record<string, { readonly handler: Handler; readonly options?: WorkflowOptions; readonly result?: unknown }> = {
  'branches on the attempt': {
    handler: async ({ step, run }) => {
      if (run.attempt === 1) await step.run('only at first', () => 1);
      else await step.run('only then', () => 2);
      await step.waitFor('pause', 10);
      if (run.attempt === 1) throw new Error('once more');
      return 'done';
    },
  },
  'asks whether it is aborted': {
    handler: async ({ step, signal }) => {
      const first = await step.run('a', () => 1);
      if (!signal.aborted && first === 1) await step.waitFor('pause', 10);
      return step.run('b', () => 'done');
    },
  },
  'races steps, the loser of which begins late': {
    handler: async ({ step }) => {
      const late = async () => {
        await step.run('quick', () => 1);
        await step.waitFor('nap', 5);
        return step.run('late', () => 'late');
      };
      const winner = await Promise.race([step.run('fast', () => 'done'), late()]);
      await step.waitFor('pause', 30);
      await step.run('after', () => 1);
      return winner;
    },
  },
  'runs branches with steps of different lengths': {
    handler: async ({ step }) => {
      const branch = async (name: string, count: number) => {
        for (let i = 0; i < count; i++) await step.run(`${name}-${i}`, () => delay(i));
        await step.waitFor(`pause-${name}`, 10);
        return step.run(`end-${name}`, () => count);
      };
      const counts = await Promise.all([branch('a', 1), branch('b', 4), branch('c', 2)]);
      return counts.length === 3 ? 'done' : counts;
    },
  },
  'catches failures, and fails with one of them later': {
    options: { maxAttempts: 3 },
    handler: async ({ step }) => {
      try {
        await step.run('flaky', ({ attempt }: StepContext) => {
          if (attempt < 3) throw new Error('not yet');
        });
      } catch (error) {
        await step.run('fallback', () => 1);
        await step.waitFor('breath', 5);
        throw error;
      }
      await step.waitFor('pause', 10);
      return step.run('after', () => 'done');
    },
  },
  'loops as often as a stored value says': {
    handler: async ({ step }) => {
      const count = await step.run('count', () => 3);
      for (let i = 0; i < count; i++) {
        await step.run(`turn-${i}`, () => i);
        await step.waitFor(`pause-${i}`, 5);
      }
      return 'done';
    },
  },
  'waits for any of several': {
    handler: async ({ step }) => {
      const { winner } = await step.waitForAny('first', { soon: { for: 10 }, never: { event: 'never', correlationKey: 'k' } });
      await step.run(`after-${winner}`, () => 1);
      await step.waitFor('pause', 10);
      return winner === 'soon' ? 'done' : winner;
    },
  },
  'has steps that time out': {
    handler: async ({ step }) => {
      const outcome = await step.run('slow', () => new Promise(() => undefined), { timeout: 10 }).catch(() => 'timed out');
      await step.waitFor('pause', 10);
      return step.run('after', () => (outcome === 'timed out' ? 'done' : outcome));
    },
  },
  'waits for something that is no step between two steps': {
    handler: async ({ step }) => {
      const chain = async () => {
        await step.run('a', () => 1);
        await delay(60);
        await step.run('b', () => 2);
        await step.waitFor('pause', 5);
      };
      const other = async () => {
        await step.run('x', () => 1);
        await step.waitFor('wait', 10);
        await step.run('y', () => 2);
      };
      await Promise.all([chain(), other()]);
      return 'done';
    },
  },
  'passes points of no return, and answers patches': {
    handler: async (ctx) => {
      await ctx.step.run('a', () => 1, { compensate: () => undefined });
      await ctx.commit();
      if (await ctx.patched('new')) await ctx.step.run('b', () => 2);
      await ctx.step.waitFor('pause', 10);
      return ctx.step.run('c', () => 'done');
    },
  },
  'passes points of no return beside other branches': {
    handler: async (ctx) => {
      const chain = async (name: string, length: number) => {
        for (let i = 0; i < length; i++) await ctx.step.run(`${name}-${i}`, () => delay(i));
        await ctx.commit();
        await ctx.step.run(`${name}-after`, () => 1);
        await ctx.step.waitFor(`${name}-pause`, 10);
        await ctx.commit();
        await ctx.step.run(`${name}-end`, () => 1);
      };
      await Promise.all([chain('a', 1), chain('b', 4), chain('c', 2)]);
      return 'done';
    },
  },
  'is undone': {
    options: { maxAttempts: 1 },
    result: 'compensated',
    handler: async ({ step }) => {
      await step.run('a', () => 1, { compensate: () => undefined });
      await step.waitFor('pause', 10);
      await step.run('b', () => 1, { compensate: () => undefined });
      throw new Error('compensated');
    },
  },
  'emits events and runs in steps': {
    handler: async ({ step }) => {
      await Promise.all([
        step.emitEvent('told', 'something', {}),
        step.emitWorkflow('emitted', 'child', 1),
        step.runWorkflow('awaited', 'child', 2),
      ]);
      await step.waitFor('pause', 10);
      return step.run('after', () => 'done');
    },
  },
  'starts a step that is refused, and again': {
    options: { maxAttempts: 3, retries: { delay: 30 } },
    handler: async ({ step }) => {
      await step.run('before', () => 1);
      for (const which of ['first', 'second']) {
        try {
          await step.emitWorkflow(which, 'limited', 1);
        } catch {
          await step.run(`refused-${which}`, () => 1);
          if (which === 'second') await step.waitFor('pause', 10);
        }
      }
      return 'done';
    },
  },
};

const others = [
  workflow('child', ({ step }) => step.waitFor('moment', 5)),
  workflow('limited', () => 1, { rateLimit: { limit: 1, period: '1h' } }),
];

describe('a handler that is legitimate is never blocked, nor misses a step, where it', () => {
  it.each(Object.keys(LEGITIMATE))('%s', async (name) => {
    const { handler, options, result = 'done' } = LEGITIMATE[name];
    const engine = await startEngine({ workflows: [flow(handler, options), ...others] });
    const handle = await engine.client.runByName('order', {});
    const outcome = await handle.result().catch(({ cause }: Error) => (cause as Error).message);
    expect(outcome).toBe(result);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
    expect((await handle.getState()).unasked).toBeUndefined();
  });

  it.each(Object.keys(LEGITIMATE))('%s, and is cut by crashes', async (name) => {
    const { handler, options, result = 'done' } = LEGITIMATE[name];
    const lives = { leaseMs: 300, reaperIntervalMs: 50 };
    const engine = await startEngine({ workflows: [flow(handler, options), ...others], worker: lives });
    const handle = await engine.client.runByName('order', {});
    for (let crashes = 0; crashes < (ALWAYS_PARK ? 1 : 3); crashes++) {
      await eventually(async () => {
        const steps = await engine.client.getRunSteps(handle.id);
        expect(steps.length >= crashes + 1 || (await handle.getState()).finishedAt !== undefined).toBe(true);
      });
      await (engine.worker as RunWorker).crash();
      await engine.startWorker(lives);
    }
    const outcome = await handle.result().catch(({ cause }: Error) => (cause as Error).message);
    expect(outcome).toBe(result);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
    expect((await handle.getState()).unasked).toBeUndefined();
  });
});

it('points of no return in parallel branches, which come in another order in each pass, block none of a hundred runs', async () => {
  const { handler, options } = LEGITIMATE['passes points of no return beside other branches'];
  const definition = flow(handler, options);
  const engine = await startEngine({ workflows: [definition, ...others], worker: { concurrency: 30 } });
  const handles = await engine.client.runMany(
    definition,
    Array.from({ length: 100 }, () => ({ input: {} })),
  );
  await eventually(async () => {
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
    expect((await engine.client.getStats()).runs.succeeded).toBe(handles.length);
  });
});
