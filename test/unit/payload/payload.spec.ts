import vm from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { PayloadTooLargeError, SerializationError } from '../../../lib/engine/core/errors/index.js';
import { decodePayload, encodePayload } from '../../../lib/engine/core/payload/payload.js';

const WHERE = 'output of step "charge" of run "r1"';
const encode = (value: unknown, maxBytes = 1024): string => encodePayload(value, WHERE, maxBytes);

function failureOf(value: unknown): SerializationError {
  try {
    encode(value);
  } catch (error) {
    if (error instanceof SerializationError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('encodePayload()', () => {
  it.each([
    ['null', null],
    ['a string', 'a "quoted" string'],
    ['a lone surrogate', '\ud83d'],
    ['a number', -0],
    ['NaN', Number.NaN],
    ['a boolean', false],
    ['an object with undefined', { a: undefined, b: [undefined, 1] }],
    ['a Date', { at: new Date(0), invalid: new Date(Number.NaN) }],
    ['a Date of another realm', vm.runInNewContext('new Date(0)')],
    ['boxed values', [Object('s'), Object(1), Object(true)]],
    ['a Map', new Map([[1, 2]])],
    ['a Buffer', Buffer.from('abc')],
    ['toJSON() with its key', { a: { toJSON: (key: string) => `key ${key}` } }],
    ['a shared object', ((shared) => ({ a: shared, b: { c: shared } }))({ x: 1 })],
    ['a sparse array', new Array(2)],
    ['an own __proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['symbol keys', { [Symbol('x')]: 1, a: 1 }],
    [
      'a class with methods',
      new (class Money {
        cents = 5;
        format(): string {
          return 'x';
        }
      })(),
    ],
    ['inherited functions', Object.create({ inherited: () => undefined }, { own: { value: 1, enumerable: true } })],
  ])('writes %s like JSON.stringify', (_what, value) => {
    expect(encode(value)).toBe(JSON.stringify(value));
  });

  it('writes undefined, also by way of toJSON(), as the empty text', () => {
    expect(encode(undefined)).toBe('');
    expect(encode({ toJSON: () => undefined })).toBe('');
  });

  it('calls toJSON() once', () => {
    let calls = 0;
    encode({ a: { toJSON: () => ++calls } });
    expect(calls).toBe(1);
  });

  it.each([
    ['a BigInt', 1n, '', 'is a BigInt'],
    ['a function', () => undefined, '', 'is a function'],
    ['a symbol', Symbol('x'), '', 'is a symbol'],
    ['a nested BigInt', { order: { items: [{ id: 1 }, { id: 2n }] } }, 'order.items.1.id', 'is a BigInt'],
    ['a boxed BigInt', { a: Object(1n) }, 'a', 'is a BigInt'],
    ['a function in an object', { a: 1, b: { run: () => undefined } }, 'b.run', 'is a function'],
    ['a function in an array', [[], [() => undefined]], '1.0', 'is a function'],
    ['a symbol in an array', [1, Symbol('x')], '1', 'is a symbol'],
    ['what toJSON() returns', { a: { toJSON: () => ({ b: 1n }) } }, 'a.b', 'is a BigInt'],
    ['a path after a deep sibling', { a: { b: { c: {} } }, d: 1n }, 'd', 'is a BigInt'],
  ])('refuses %s', (_what, value, path, problem) => {
    const subject = path === '' ? 'the value' : `\`${path}\``;
    expect(failureOf(value)).toMatchObject({
      where: WHERE,
      path,
      message: `Cannot store ${WHERE} as JSON: ${subject} ${problem}. Use plain JSON values, or convert it first (a BigInt to a string).`,
    });
  });

  it('refuses a cycle and names where it closes', () => {
    const order: Record<string, unknown> = { items: [{ id: 1 }] };
    (order.items as unknown[]).push({ order });
    expect(failureOf(order)).toMatchObject({
      path: 'items.1.order',
      message: expect.stringContaining('`items.1.order` refers back to an object that contains it.'),
    });
  });

  it('writes deep values and refuses those deeper than the call stack', () => {
    expect(decodePayload(encode(nested(500), 1 << 20))).toEqual(nested(500));
    const error = failureOf(nested(1_000_000));
    expect(error.message).toContain('the value is nested too deeply or too long.');
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it('refuses a value that throws while it is read', () => {
    const value = {
      get at(): string {
        return new Date(Number.NaN).toISOString();
      },
    };
    const error = failureOf(value);
    expect(error.message).toContain('the value threw while it was read: Invalid time value.');
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it('counts the limit in UTF-8 bytes of the JSON', () => {
    expect(encode('€€', 8)).toBe('"€€"');
    expect(() => encode('€€', 7)).toThrow(new PayloadTooLargeError({ what: WHERE, bytes: 8, maxBytes: 7 }));
    expect(encode('x'.repeat(98), 100)).toHaveLength(100);
    expect(() => encode('x'.repeat(99), 100)).toThrow(PayloadTooLargeError);
    expect(encode(undefined, 1)).toBe('');
  });
});

describe('decodePayload()', () => {
  it('reads what was written', () => {
    expect(decodePayload('')).toBeUndefined();
    expect(decodePayload('null')).toBeNull();
    expect(decodePayload(encode({ a: [1, 'x'] }))).toEqual({ a: [1, 'x'] });
  });
});

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = { value };
  return value;
}
