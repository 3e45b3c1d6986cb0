import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ContextCarrier, createRegistry, defineWorkflow, type PayloadCodec } from '../../../lib/engine/index.js';
import { once, rejection, startEngine, workflow } from '../../support/engine.js';

const tenants = new AsyncLocalStorage<string>();
const tenant = () => tenants.getStore() ?? 'none';
const context: ContextCarrier = {
  capture: () => tenants.getStore(),
  restore: (carrier, next) => tenants.run(carrier as string, next),
};
let seen: string[];
beforeEach(() => {
  seen = [];
});

const child = workflow('child', () => void seen.push(`child ${tenant()}`));
const parent = workflow(
  'parent',
  async (ctx) => {
    seen.push(`handler ${tenant()}`);
    await ctx.step.run('step', () => void seen.push(`step ${tenant()}`));
    await ctx.step.waitFor('a while', 1);
    await ctx.step.runWorkflow('child', child, undefined);
    await ctx.step.waitForAny('any', { only: { workflow: child, input: undefined } });
    await ctx.step.emitEvent('event', 'told', null);
  },
  { maxAttempts: 1 },
);
const listener = workflow('listener', () => void seen.push(`listener ${tenant()}`), { event: [{ name: 'told' }] });

describe('context', () => {
  it('is that of the creator in every pass, in steps, in children and in what they tell', async () => {
    const engine = await startEngine({ workflows: [parent, child, listener], client: { context }, worker: { context } });
    const handle = await tenants.run('acme', () => engine.client.run(parent, undefined));
    await handle.result();
    await engine.until((await engine.client.listRuns({ workflow: 'listener' })).items[0].id, 'succeeded');
    expect(new Set(seen)).toEqual(new Set(['handler acme', 'step acme', 'child acme', 'listener acme']));
    expect(seen.filter((line) => line.startsWith('child'))).toHaveLength(2);
  });

  it('is none for a run that was created outside of any, also by runMany', async () => {
    const engine = await startEngine({ workflows: [child], client: { context }, worker: { context } });
    const [outside] = await engine.client.runMany(child, [{ input: undefined }]);
    await outside.result();
    await tenants.run('acme', async () => (await engine.client.runMany(child, [{ input: undefined }]))[0].result());
    expect(seen).toEqual(['child none', 'child acme']);
  });

  it('surrounds compensations and the failure hook', async () => {
    const failing = defineWorkflow('failing', {
      registry: createRegistry(),
      maxAttempts: 1,
      handler: async (ctx) => {
        await ctx.step.run('book', () => 1, { compensate: () => void seen.push(`compensation ${tenant()}`) });
        throw new Error('no');
      },
      onFailure: () => void seen.push(`hook ${tenant()}`),
    });
    const engine = await startEngine({ workflows: [failing], client: { context }, worker: { context } });
    const handle = await tenants.run('acme', () => engine.client.run(failing, undefined));
    await rejection(handle.result());
    await once(async () => (await handle.getState()).failureHook?.status === 'succeeded');
    expect(seen).toEqual(['compensation acme', 'hook acme']);
  });

  it('is that of the latest call for a debounced run, and of each emitter for its subscribers', async () => {
    const debounced = workflow('debounced', () => void seen.push(`debounced ${tenant()}`), {
      debounce: { key: () => 'k', period: 50 },
    });
    const engine = await startEngine({ workflows: [debounced, listener], client: { context }, worker: { context } });
    await tenants.run('first', () => engine.client.run(debounced, undefined));
    const handle = await tenants.run('second', () => engine.client.run(debounced, undefined));
    await handle.result();
    const [told] = await tenants.run('acme', () => engine.client.emitEvent('told', null));
    await told.result();
    expect(seen).toEqual(['debounced second', 'listener acme']);
  });

  it('is that of whoever triggers a schedule', async () => {
    const yearly = workflow('report', () => void seen.push(`report ${tenant()}`), {
      cron: [{ id: 'yearly', expression: '0 0 1 1 *' }],
    });
    const engine = await startEngine({ workflows: [yearly], client: { context }, worker: { context } });
    await (await tenants.run('acme', () => engine.client.triggerSchedule('yearly'))).result();
    await (await engine.client.triggerSchedule('yearly')).result();
    expect(seen).toEqual(['report acme', 'report none']);
  });

  it('that a handler enters by itself reaches its steps and children, too', async () => {
    const entering = workflow('entering', (ctx) =>
      tenants.run('inner', async () => {
        for (const name of ['a', 'b']) await ctx.step.run(name, () => void seen.push(`${name} ${tenant()}`));
        await ctx.step.runWorkflow('child', child, undefined);
      }),
    );
    const engine = await startEngine({ workflows: [entering, child], client: { context }, worker: { context } });
    await (await engine.client.run(entering, undefined)).result();
    expect(seen).toEqual(['a inner', 'b inner', 'child inner']);
  });

  it('passes through the codec', async () => {
    const codec: PayloadCodec = {
      encode: (json) => [...json].reverse().join(''),
      decode: (stored) => [...(stored as string)].reverse().join(''),
    };
    const engine = await startEngine({ workflows: [child], client: { context, codec }, worker: { context, codec } });
    await tenants.run('acme', async () => (await engine.client.run(child, undefined, { runId: 'r' })).result());
    expect(seen).toEqual(['child acme']);
  });

  it('is refused unless it has both functions, and what capture throws fails the call', async () => {
    const engine = await startEngine({
      workflows: [child],
      client: { context: { ...context, capture: () => Symbol('x') as never } },
    });
    await expect(engine.client.run(child, undefined)).rejects.toThrow('carrier that `context.capture` returned');
    await expect(startEngine({ workflows: [child], client: { context: {} as ContextCarrier } })).rejects.toThrow(
      'Expected `context` to be { capture(), restore(carrier, next) }; got an object',
    );
  });
});
