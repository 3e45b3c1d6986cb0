import { describe, expect, it } from '@jest/globals';
import { SerializationError, type WorkflowContext } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { expectNoKeys } from '../../support/namespace.js';

function circular(): unknown {
  const value: { list: unknown[] } = { list: [] };
  value.list.push({ back: value });
  return value;
}

const UNSTORABLE: ReadonlyArray<[string, () => unknown, string, RegExp]> = [
  ['a BigInt', () => 1n, '', /is a BigInt/],
  ['a nested BigInt', () => ({ items: [{ price: 1n }] }), 'items.0.price', /`items\.0\.price` is a BigInt/],
  ['a function', () => () => 1, '', /is a function/],
  ['a nested function', () => ({ a: { fn: () => 1 } }), 'a.fn', /is a function/],
  ['a symbol', () => Symbol('s'), '', /is a symbol/],
  ['a nested symbol', () => [1, Symbol('s')], '1', /is a symbol/],
  ['a cycle', circular, 'list.0.back', /refers back/],
  [
    'a getter that throws',
    () => ({
      get a() {
        throw new Error('boom');
      },
    }),
    '',
    /threw while it was read: boom/,
  ],
];

describe('a value that is not JSON', () => {
  it.each(UNSTORABLE)(
    'fails the run of a step that returns %s, naming run, step and path',
    async (_what, make, path, message) => {
      const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('one', make, { maxAttempts: 3 }));
      const engine = await startEngine({ workflows: [flow] });
      const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
      const error = await engine.failure(handle);
      expect(error).toBeInstanceOf(SerializationError);
      expect(error).toMatchObject({ where: 'output of step "one" of run "r1"', path });
      expect(error.message).toMatch(message);
      expect(await handle.getState()).toMatchObject({ status: 'failed', attempt: 1 });
      expect(await engine.client.getRunSteps('r1')).toMatchObject([{ status: 'failed', error: { name: 'SerializationError' } }]);
    },
  );

  it.each(UNSTORABLE)('fails the run whose handler returns %s', async (_what, make, path, message) => {
    const flow = workflow('flow', make);
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined, { runId: 'r1' });
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ where: 'output of run "r1"', path });
    expect(error.message).toMatch(message);
    expect(await handle.getState()).toMatchObject({ status: 'failed', attempt: 1 });
  });

  it.each(UNSTORABLE)('is refused as an input: %s', async (_what, make, path, message) => {
    const flow = workflow('flow', () => undefined);
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(flow, make(), { idempotencyKey: 'k' }));
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ where: 'input of workflow "flow"', path });
    expect(error.message).toMatch(message);
    await expectNoKeys(engine.prefix);
  });

  it('is refused for all runs if one item of runMany() has it', async () => {
    const flow = workflow('flow', () => undefined);
    const engine = await startEngine({ worker: false });
    const items = [{ input: 1 }, { input: 2 }, { input: 3n }];
    expect(await rejection(engine.client.runMany<unknown, unknown>(flow, items))).toBeInstanceOf(SerializationError);
    await expectNoKeys(engine.prefix);
  });

  it('leaves the worker alive', async () => {
    const bad = workflow('bad', (ctx: WorkflowContext) => ctx.step.run('one', circular));
    const good = workflow('good', () => 'good');
    const engine = await startEngine({ workflows: [bad, good] });
    await rejection((await engine.client.run(bad, undefined)).result());
    expect(await (await engine.client.run(good, undefined)).result()).toBe('good');
  });
});
