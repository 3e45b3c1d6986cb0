import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from '../../../lib/engine/core/payload/canonical-json.js';

const NOTHING: ReadonlySet<unknown> = new Set();
const jsonOf = (value: unknown, maxLength = 10_000) => canonicalJson(value, maxLength, NOTHING);

class Address {
  constructor(readonly city: string) {}
}

describe('canonicalJson()', () => {
  it.each<[unknown, string]>([
    [{ b: 1, a: [true, null, 'x"y'] }, '{"a":[true,null,"x\\"y"],"b":1}'],
    [{ b: undefined, a: { d: 1, c: 2 } }, '{"a":{"c":2,"d":1}}'],
    [[undefined, Number.NaN, -0], '[null,null,0]'],
    [new Array(2), '[null,null]'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ at: new Address('Ulm') }, '{"at":{"city":"Ulm"}}'],
    [{ toJSON: () => ({ b: 1, a: 2 }) }, '{"a":2,"b":1}'],
    [{ a: 1, __proto__: { inherited: true } }, '{"a":1}'],
    [runInNewContext('({ b: [1], a: {} })'), '{"a":{},"b":[1]}'],
  ])('of %j is %s', (value, json) => {
    expect(jsonOf(value)).toBe(json);
  });

  it('is that of an object that comes more than once, and of one that returns itself from toJSON()', () => {
    const shared = { a: 1 };
    expect(jsonOf([shared, shared])).toBe('[{"a":1},{"a":1}]');
    const self = {
      a: 1,
      toJSON() {
        return this;
      },
    };
    Object.defineProperty(self, 'toJSON', { enumerable: false });
    expect(jsonOf(self)).toBe('{"a":1}');
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = { cycle };
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];

  it.each<[string, unknown]>([
    ['a function', { fn: () => 1 }],
    ['a symbol', [Symbol('s')]],
    ['a BigInt', 1n],
    ['an error', new Error('no')],
    ['an error of another realm', runInNewContext('new Error("no")')],
    ['a Map', new Map([[1, 2]])],
    ['a Set', { set: new Set() }],
    ['binary data', Buffer.from('abc')],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a cycle', cycle],
    ['what is nested too deeply', deep],
    [
      'what throws while it is read',
      {
        get broken() {
          throw new Error('no');
        },
      },
    ],
    ['what throws in its toJSON()', { toJSON: () => JSON.parse('') }],
  ])('does not exist of %s', (_what, value) => {
    expect(jsonOf(value)).toBeUndefined();
  });

  it('does not exist of what is longer than allowed, however it came to be', () => {
    expect(jsonOf('x'.repeat(8), 10)).toBe('"xxxxxxxx"');
    expect(jsonOf('x'.repeat(9), 10)).toBeUndefined();
    expect(jsonOf(new Array(10_000_000), 10)).toBeUndefined();
    expect(jsonOf({ ['k'.repeat(20)]: 1 }, 20)).toBeUndefined();
  });

  it('has null for opaque objects', () => {
    const context = { secret: 1 };
    expect(canonicalJson(['a', context, { context }], 100, new Set([context]))).toBe('["a",null,{"context":null}]');
  });
});
