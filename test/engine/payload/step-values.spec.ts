import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { startEngine, workflow } from '../../support/engine.js';
import { perPass } from '../../support/passes.js';

class Money {
  constructor(
    readonly amount: number,
    readonly currency: string,
  ) {}

  toJSON() {
    return `${this.amount} ${this.currency}`;
  }
}

class Point {
  readonly x = 1;
  readonly y = undefined;
  private readonly hidden = 'z';

  length() {
    return this.hidden.length;
  }
}

function nested(depth: number): unknown {
  let value: unknown = 'core';
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { value };
  return value;
}

/** What the handler gets for a step's value: on the first pass and on a replay, as an output, and as the output of the run. */
async function sightings(make: () => unknown): Promise<{ first: unknown; replayed: unknown; stored: unknown; output: unknown }> {
  const seen: unknown[] = [];
  const handler = async (ctx: WorkflowContext) => {
    seen.push(await ctx.step.run('one', make));
    if (ctx.run.attempt === 1) throw new Error('once more');
    return make();
  };
  const flow = workflow('flow', handler, { retries: { delay: 0 } });
  const engine = await startEngine({ workflows: [flow] });
  const handle = await engine.client.run(flow, undefined);
  const output = await handle.result();
  const [{ output: stored }] = await engine.client.getRunSteps(handle.id);
  return { first: seen[0], replayed: seen[1], stored, output };
}

describe('the value of a step', () => {
  it.each<[string, () => unknown, unknown]>([
    ['undefined', () => undefined, undefined],
    ['null', () => null, null],
    ['false', () => false, false],
    ['zero', () => 0, 0],
    ['minus zero', () => -0, 0],
    ['NaN', () => Number.NaN, null],
    ['infinity', () => Number.POSITIVE_INFINITY, null],
    ['a fraction', () => 0.1 + 0.2, 0.1 + 0.2],
    ['a large number', () => 2 ** 60, 2 ** 60],
    ['the empty string', () => '', ''],
    ['a string that looks like JSON', () => '{"a":1}', '{"a":1}'],
    ['unicode', () => 'größe 🎈 \u2028 \0 \u{10FFFF}', 'größe 🎈 \u2028 \0 \u{10FFFF}'],
    ['a lone surrogate', () => 'a\uD83Cb', 'a\uD83Cb'],
    ['lone surrogates in an object', () => ({ '\uDF88': '\uD83C' }), { '\uDF88': '\uD83C' }],
    ['a boxed string', () => Object('boxed'), 'boxed'],
    ['a Date', () => new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an invalid Date', () => new Date(Number.NaN), null],
    [
      'nested oddities',
      () => ({ u: undefined, d: new Date(0), n: Number.NaN, z: -0 }),
      { d: '1970-01-01T00:00:00.000Z', n: null, z: 0 },
    ],
    ['undefined in an array', () => [undefined, 1, undefined], [null, 1, null]],
    ['a sparse array', () => new Array(2), [null, null]],
    ['a Map', () => new Map([['a', 1]]), {}],
    ['a Set', () => new Set([1]), {}],
    ['a class instance', () => new Point(), { x: 1, hidden: 'z' }],
    ['a class instance with toJSON', () => new Money(5, 'EUR'), '5 EUR'],
    ['a toJSON that gives undefined', () => ({ toJSON: () => undefined }), undefined],
    ['an Error', () => Object.assign(new Error('no'), { code: 1 }), { code: 1 }],
    ['bytes', () => new Uint8Array([1, 2]), { 0: 1, 1: 2 }],
    ['an own __proto__', () => JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ['an object without prototype', () => Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['deep nesting', () => nested(1_000), nested(1_000)],
    ['a large array', () => Array.from({ length: 50_000 }, (_, i) => i), Array.from({ length: 50_000 }, (_, i) => i)],
    ['an empty array', () => [], []],
    ['an empty object', () => ({}), {}],
    ['a promise', () => Promise.resolve({ a: new Date(0) }), { a: '1970-01-01T00:00:00.000Z' }],
    // biome-ignore lint/suspicious/noThenProperty: what any library may return
    ['a thenable', () => ({ then: (resolve: (value: string) => void) => resolve('then') }), 'then'],
  ])('is the stored one on the first pass and on a replay: %s', async (_name, make, expected) => {
    const { first, replayed, stored, output } = await sightings(make);
    expect(first).toEqual(expected);
    expect(first).toStrictEqual(replayed);
    expect(stored).toStrictEqual(replayed);
    expect(output).toStrictEqual(replayed);
    if (typeof expected !== 'object') expect(Object.is(first, replayed)).toBe(true);
    if (expected === 0) expect(Object.is(first, 0)).toBe(true);
  });

  it('is awaited where a function returns a promise of Node itself', async () => {
    const { setTimeout: delay } = await import('node:timers/promises');
    const { first, replayed } = await sightings(() => delay(1, 'later'));
    expect([first, replayed]).toEqual(['later', 'later']);
  });

  it('cannot be changed by a handler that mutates it', async () => {
    const seen: string[] = [];
    const shared = { list: [1] };
    const handler = async (ctx: WorkflowContext) => {
      const value = await ctx.step.run('one', () => shared);
      seen.push(JSON.stringify(value));
      value.list.push(2);
      shared.list.push(3);
      await ctx.step.run('two', () => value);
      if (ctx.run.attempt === 1) throw new Error('once more');
      return [value, await ctx.step.run('three', () => 3)];
    };
    const flow = workflow('flow', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, undefined);
    await handle.result();
    expect(perPass(seen)).toEqual(perPass(['{"list":[1]}', '{"list":[1]}']));
    const steps = await engine.client.getRunSteps(handle.id);
    expect(steps.map(({ output }) => output)).toEqual([{ list: [1] }, { list: [1, 2] }, 3]);
  });

  it('is a copy of its own for every pass, as is the input', async () => {
    const seen: unknown[] = [];
    const handler = async (ctx: WorkflowContext<{ n: number }>) => {
      seen.push({ ...ctx.input });
      ctx.input.n++;
      if (ctx.run.attempt === 1) throw new Error('once more');
    };
    const flow = workflow('flow', handler, { retries: { delay: 0 } });
    const engine = await startEngine({ workflows: [flow] });
    const handle = await engine.client.run(flow, { n: 1 });
    await handle.result();
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    expect((await handle.getState()).input).toEqual({ n: 1 });
  });
});

describe('an input', () => {
  it.each([[undefined], [null], [0], [''], [false], ['text'], [[1, { a: null }]], [{ a: 'größe 🎈 \uD83C' }]])(
    'reaches handler and record as it is: %j',
    async (input) => {
      const seen: unknown[] = [];
      const flow = workflow('flow', (ctx: WorkflowContext) => void seen.push(ctx.input));
      const engine = await startEngine({ workflows: [flow] });
      const handle = await engine.client.run(flow, input);
      expect(await handle.result()).toBeUndefined();
      expect(seen).toEqual([input]);
      expect((await handle.getState()).input).toEqual(input);
    },
  );
});
