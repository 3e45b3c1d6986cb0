import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { StepContext, WorkflowContext, WorkflowOptions } from '../../../lib/engine/index.js';
import type { RunWorker } from '../../../lib/engine/worker/run-worker.js';
import { blocked } from '../../support/blocked.js';
import { type Gate, gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const LIVES = { leaseMs: 300, reaperIntervalMs: 50 };

/** What a handler does that a test cancels in the middle. */
class Scene {
  /** Steps that have taken effect, and those that were undone. */
  readonly done: string[] = [];
  readonly undone: string[] = [];

  /** @param running opened when a function runs and the run is to be canceled */
  constructor(
    private readonly ctx: WorkflowContext,
    private readonly running: Gate,
  ) {}

  /** A step that is undone. */
  act(name: string, fn: (step: StepContext) => unknown = () => undefined): Promise<unknown> {
    const act = async (step: StepContext): Promise<void> => {
      await fn(step);
      this.done.push(name);
    };
    return this.ctx.step.run(name, act, { compensate: () => void this.undone.push(name) });
  }

  /** A function that ends when it is told to, and then is done. */
  readonly untilTold = async ({ signal }: StepContext): Promise<void> => {
    this.running.open();
    if (!signal.aborted) await once(signal, 'abort');
  };

  /** A function that fails when it is told to. */
  readonly failingWhenTold = async (step: StepContext): Promise<void> => {
    await this.untilTold(step);
    throw new Error('told to end');
  };
}

type Act = (scene: Scene, ctx: WorkflowContext) => Promise<unknown>;

/** Each has a step in flight when it is canceled. */
const CANCELED: Record<string, Act> = {
  'cleans up with a step in catch': async (scene, { step }) => {
    await scene.act('lock');
    try {
      await scene.act('long', scene.failingWhenTold);
      await step.waitFor('pause', '1h');
    } catch (error) {
      await scene.act('clean up');
      throw error;
    }
  },
  'cleans up in catch when its signal is aborted, side by side': async (scene, { step, signal }) => {
    const told = once(signal, 'abort').then(() => {
      throw signal.reason;
    });
    await scene.act('lock');
    try {
      await Promise.race([told, Promise.all([scene.act('long', scene.untilTold), scene.act('short')])]);
      await step.waitFor('pause', '1h');
    } catch {
      await scene.act('clean up').catch(() => undefined);
      await scene.act('clean up more');
    }
    return 'cleaned up';
  },
  'is told between two steps': async (scene, { signal }) => {
    await scene.act('first');
    signal.throwIfAborted();
    await scene.act('second', scene.untilTold);
    signal.throwIfAborted();
    await scene.act('third');
  },
  'is cleaning up already': async (scene, { step }) => {
    await scene.act('lock');
    try {
      await step.run('flaky', () => {
        throw new Error('no');
      });
    } catch (error) {
      await scene.act('clean up', scene.untilTold);
      await scene.act('tell');
      throw error;
    } finally {
      await scene.act('unlock');
    }
  },
  'swallows it in each branch': async (scene, { step }) => {
    const branch = async (name: string): Promise<void> => {
      await scene.act(`${name}-find`);
      await scene.act(`${name}-book`, name === 'b' ? scene.untilTold : undefined).catch(() => undefined);
      await scene.act(`${name}-tell`).catch(() => undefined);
      await step.waitFor(`${name}-pause`, '1h').catch(() => undefined);
    };
    await Promise.all(['a', 'b', 'c'].map(branch));
  },
};

function scened(act: Act, options: WorkflowOptions = {}) {
  const scenes: Scene[] = [];
  const running = gate();
  const flow = workflow(
    'order',
    (ctx) => {
      const scene = new Scene(ctx, running);
      scenes.push(scene);
      return act(scene, ctx);
    },
    { determinismGrace: 100, retries: { delay: 0 }, maxAttempts: 1, ...options },
  );
  const all = (what: 'done' | 'undone') => scenes.flatMap((scene) => scene[what]).sort();
  return { flow, running, all };
}

describe('a run that is canceled in its grace is undone, and not blocked, where its handler', () => {
  it.each(Object.keys(CANCELED))('%s', async (name) => {
    const { flow, running, all } = scened(CANCELED[name]);
    const engine = await startEngine({ workflows: [flow] });
    const { id } = await engine.client.runByName('order', {});
    await running.promise;
    expect(await engine.client.cancelRun(id)).toMatchObject({ canceled: true });
    const run = await engine.until(id, 'canceled');
    expect(run).not.toHaveProperty('compensationErrors');
    expect(new Set(all('undone'))).toEqual(new Set([...all('done'), ...(name.startsWith('cleans up with') ? ['long'] : [])]));
    expect(all('undone')).toHaveLength(new Set(all('undone')).size);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
  });

  it.each(Object.keys(CANCELED))('%s, and its worker dies meanwhile', async (name) => {
    const { flow, running, all } = scened(CANCELED[name]);
    const engine = await startEngine({ workflows: [flow], worker: LIVES });
    const { id } = await engine.client.runByName('order', {});
    await running.promise;
    await (engine.worker as RunWorker).crash();
    expect(await engine.client.cancelRun(id)).toMatchObject({ canceled: true });
    await engine.startWorker(LIVES);
    const run = await engine.until(id, 'canceled');
    expect(run).not.toHaveProperty('compensationErrors');
    expect(all('undone').length).toBeGreaterThan(0);
    expect(all('undone')).toEqual(expect.arrayContaining(all('done')));
    expect(all('undone')).toHaveLength(new Set(all('undone')).size);
    expect(engine.logs.matching('error', /is blocked/)).toEqual([]);
  });
});

describe('a run that is blocked while it compensates', () => {
  const effects: string[] = [];
  const selling =
    (charge: string) =>
    async ({ step }: WorkflowContext): Promise<void> => {
      await step.run(charge, () => 1, { compensate: () => void effects.push(`undo ${charge}`) });
      const paid = step.waitForEvent('paid', { event: 'paid', correlationKey: 'k' });
      const child = step.runWorkflow('child', 'child', undefined);
      await Promise.all([paid, child, step.waitFor('pause', '1h')]);
      throw new Error('not today');
    };
  const child = workflow('child', ({ step }) => step.waitForEvent('go', { event: 'go', correlationKey: 'k' }));
  const shop = (charge: string) => [workflow('order', selling(charge), { determinismGrace: 100, maxAttempts: 1 }), child];

  it.each(['canceled', 'blocked before, and then canceled'])('is not woken by what comes late for it: %s', async (kind) => {
    effects.length = 0;
    const engine = await startEngine({ workflows: shop('charge') });
    const { id } = await engine.client.runByName('order', {});
    await eventually(async () => expect(await engine.client.getRunSteps(id)).toHaveLength(4));
    await engine.until(id, 'waiting');
    await engine.worker.stop();
    const before = kind !== 'canceled';
    if (!before) await engine.client.cancelRun(id);
    await engine.startWorker({ workflows: shop('charge-card') });
    if (before) {
      await engine.advance(3_600_000);
      expect((await blocked(engine, id)).blocked?.step).toBe('charge-card');
      await engine.client.cancelRun(id);
    }
    const isUnwinding = async () =>
      expect(await blocked(engine, id)).toMatchObject({ compensating: true, blocked: { missing: ['charge'] } });
    await eventually(isUnwinding);
    const blocks = async () => (await engine.client.getRunAttempts(id)).filter(({ outcome }) => outcome === 'blocked').length;
    const blockedBefore = await blocks();
    await engine.client.emitEvent('paid', 'late', { correlationKey: 'k' });
    await engine.client.emitEvent('go', {}, { correlationKey: 'k' });
    await engine.advance(3_600_000);
    await eventually(async () => {
      const { items } = await engine.client.listRuns({ workflow: 'child' });
      expect(items[0].finishedAt).toBeDefined();
    });
    await isUnwinding();
    // What it executes by now it has ended then.
    await engine.worker.stop();
    expect(await blocks()).toBe(blockedBefore);
    await engine.startWorker({ workflows: shop('charge') });
    expect(await engine.until(id, 'canceled')).not.toHaveProperty('compensationErrors');
    expect(effects).toEqual(['undo charge']);
  });
});
