import vm from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { DuplicateStepError, NonRetriableError, RetryAfterError, RunFailedError } from '../../lib/engine/core/errors/index.js';
import { asError, fromStoredError, toStoredError } from '../../lib/engine/core/stored-error.js';

describe('toStoredError()', () => {
  it('keeps name, message, stack, code and own JSON fields', () => {
    const error = Object.assign(new TypeError('boom'), {
      code: 'E_BOOM',
      status: 503,
      detail: { at: new Date(0), list: [1, 'a', null] },
    });
    expect(toStoredError(error)).toEqual({
      name: 'TypeError',
      message: 'boom',
      stack: error.stack,
      code: 'E_BOOM',
      status: 503,
      detail: { at: '1970-01-01T00:00:00.000Z', list: [1, 'a', null] },
    });
  });

  it.each([
    ['a string', 'plain', 'plain'],
    ['undefined', undefined, 'Thrown: undefined'],
    ['null', null, 'Thrown: null'],
    ['a number', 42, 'Thrown: 42'],
    ['a bigint', 42n, 'Thrown: 42n'],
    ['a symbol', Symbol('x'), 'Thrown: a symbol'],
    ['a function', () => undefined, 'Thrown: a function'],
  ])('accepts %s', (_what, thrown, message) => {
    expect(toStoredError(thrown)).toEqual({ name: 'Error', message });
  });

  it('keeps a thrown object as fields, and its own name and message', () => {
    expect(toStoredError({ reason: 'no' })).toEqual({ name: 'Error', message: 'Thrown: {"reason":"no"}', reason: 'no' });
    expect(toStoredError({ name: 'Odd', message: 'm' })).toEqual({ name: 'Odd', message: 'm' });
    expect(toStoredError(Object.create(null))).toEqual({ name: 'Error', message: 'Thrown: {}' });
  });

  it('keeps the code of a class that defines it as a getter, and a number as a number', () => {
    class Odd extends Error {
      get code(): string {
        return 'E_ODD';
      }
    }
    expect(toStoredError(new Odd('x')).code).toBe('E_ODD');
    expect(toStoredError(Object.assign(new Error('x'), { code: 5 })).code).toBe(5);
  });

  it('leaves out what JSON cannot hold, and never throws', () => {
    const circular: Record<string, unknown> = { deep: { kept: 1 } };
    circular.self = circular;
    const error = Object.assign(new Error('boom'), {
      big: 1n,
      fn: () => undefined,
      symbol: Symbol('x'),
      circular,
      bytes: Buffer.from('abc'),
      badJson: {
        toJSON() {
          throw new Error('no');
        },
      },
      revoked: revokedProxy(),
      kept: true,
    });
    Object.defineProperty(error, 'getter', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    const { name, message, stack, ...fields } = toStoredError(error);
    expect(fields).toEqual({ circular: { deep: { kept: 1 } }, kept: true });
  });

  it('survives an object that refuses to be read', () => {
    expect(toStoredError(revokedProxy())).toEqual({ name: 'Error', message: 'Thrown: an object that cannot be read' });
  });

  it('keeps errors of another realm', () => {
    const foreign = vm.runInNewContext('Object.assign(new RangeError("far"), { code: "E_FAR", cause: new Error("inner") })');
    expect(toStoredError(foreign)).toMatchObject({
      name: 'RangeError',
      message: 'far',
      code: 'E_FAR',
      cause: { message: 'inner' },
    });
  });

  it('keeps the errors of an AggregateError, whatever they are', () => {
    const stored = toStoredError(new AggregateError([new TypeError('a'), 'b'], 'all failed'));
    expect(stored).toMatchObject({ name: 'AggregateError', message: 'all failed' });
    expect(stored.errors).toEqual([
      expect.objectContaining({ name: 'TypeError', message: 'a' }),
      { name: 'Error', message: 'b' },
    ]);
  });

  it('keeps an ordinary field called errors as it is', () => {
    expect(toStoredError(Object.assign(new Error('x'), { errors: ['a', { path: 'b' }] })).errors).toEqual(['a', { path: 'b' }]);
  });

  it('keeps an error in a field with its message', () => {
    const error = Object.assign(new Error('outer'), { original: new Error('inner') });
    expect(toStoredError(error).original).toMatchObject({ name: 'Error', message: 'inner' });
  });

  it('keeps ten causes', () => {
    let error = new Error('0');
    for (let depth = 1; depth <= 15; depth++) error = new Error(String(depth), { cause: error });
    const messages: string[] = [];
    for (let stored = toStoredError(error).cause; stored !== undefined; stored = stored.cause) messages.push(stored.message);
    expect(messages).toEqual(['14', '13', '12', '11', '10', '9', '8', '7', '6', '5']);
  });

  it('cuts cycles of causes and of fields', () => {
    const a = new Error('a');
    const b = Object.assign(new Error('b', { cause: a }), { parent: a });
    a.cause = b;
    const { cause, ...stored } = toStoredError(a);
    expect(stored).toEqual({ name: 'Error', message: 'a', stack: a.stack });
    expect(cause).toEqual({ name: 'Error', message: 'b', stack: b.stack });
  });

  it('cuts a long message and stack without splitting a character', () => {
    const stored = toStoredError(Object.assign(new Error(`${'x'.repeat(32 * 1024 - 2)}😀😀`), { stack: 's'.repeat(100_000) }));
    expect(stored.message).toBe(`${'x'.repeat(32 * 1024 - 2)}…`);
    expect(stored.stack).toHaveLength(16 * 1024);
  });

  it('leaves out fields that have no room', () => {
    const stored = toStoredError(
      Object.assign(new Error('x'), { huge: 'h'.repeat(1_000_000), many: manyKeys(100_000), kept: 1 }),
    );
    expect(stored.huge).toBeUndefined();
    expect(JSON.stringify(stored).length).toBeLessThan(64 * 1024);
  });

  it('keeps the known fields alone when the whole is too large', () => {
    let error = new Error('0');
    for (let depth = 1; depth <= 15; depth++) error = new Error('m'.repeat(4_000), { cause: error });
    const message = 'm'.repeat(32_000);
    const stored = toStoredError(Object.assign(error, { message, stack: 'Error: m', code: 'E_BIG', extra: 'e'.repeat(30_000) }));
    expect(stored).toMatchObject({ name: 'Error', message, code: 'E_BIG', stack: 'Error: m' });
    expect(stored.extra).toBeUndefined();
    expect(stored.cause).toEqual({ name: 'Error', message: 'm'.repeat(4_000), cause: expect.anything() });
  });

  it('bounds the errors of one tree', () => {
    const leaves = () => new AggregateError(Array.from({ length: 50 }, () => new Error('leaf')));
    const stored = toStoredError(new AggregateError(Array.from({ length: 50 }, leaves)));
    expect(JSON.stringify(stored).match(/"message"/g)?.length).toBeLessThanOrEqual(100);
  });
});

describe('fromStoredError()', () => {
  it('rebuilds what was stored, and storing it again changes nothing', () => {
    const error = Object.assign(new TypeError('boom', { cause: new RangeError('inner') }), { code: 'E_BOOM', detail: { a: 1 } });
    const stored = toStoredError(error);
    const rebuilt = fromStoredError(JSON.parse(JSON.stringify(stored)));
    expect(rebuilt).toBeInstanceOf(TypeError);
    expect(rebuilt).toMatchObject({ name: 'TypeError', message: 'boom', stack: error.stack, code: 'E_BOOM', detail: { a: 1 } });
    expect(rebuilt.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(rebuilt)).toEqual(['code', 'detail']);
    expect(toStoredError(rebuilt)).toEqual(stored);
  });

  it('rebuilds our own classes with their fields', () => {
    const rebuilt = fromStoredError(toStoredError(new DuplicateStepError({ runId: 'r1', step: 'charge' })));
    expect(rebuilt).toBeInstanceOf(DuplicateStepError);
    expect(rebuilt).toMatchObject({ name: 'DuplicateStepError', code: 'DUPLICATE_STEP', runId: 'r1', step: 'charge' });
    expect(fromStoredError(toStoredError(new RetryAfterError('5s')))).toMatchObject({ retryAfterMs: 5_000 });
    const failed = fromStoredError(
      toStoredError(new RunFailedError({ runId: 'r1', workflow: 'order', cause: new NonRetriableError('no') })),
    );
    expect(failed.cause).toBeInstanceOf(NonRetriableError);
  });

  it('keeps the name of a subclass', () => {
    class CardDeclined extends NonRetriableError {}
    const rebuilt = fromStoredError(toStoredError(new CardDeclined('declined')));
    expect(rebuilt).toBeInstanceOf(NonRetriableError);
    expect(rebuilt.name).toBe('CardDeclined');
    expect(String(rebuilt)).toBe('CardDeclined: declined');
  });

  it('rebuilds an AggregateError with errors in it', () => {
    const rebuilt = fromStoredError(toStoredError(new AggregateError([new TypeError('a')], 'all failed')));
    expect(rebuilt).toBeInstanceOf(AggregateError);
    expect((rebuilt as AggregateError).errors[0]).toBeInstanceOf(TypeError);
  });

  it('gives an error without a stack its first line', () => {
    expect(fromStoredError({ name: 'Error', message: 'plain' }).stack).toBe('Error: plain');
  });

  it('does not let a field named __proto__ change the error', () => {
    const rebuilt = fromStoredError(JSON.parse('{"name":"Error","message":"x","__proto__":{"polluted":true}}'));
    expect(rebuilt).toBeInstanceOf(Error);
    expect((rebuilt as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('asError()', () => {
  it('returns an error as it is and wraps anything else', () => {
    const error = new Error('x');
    expect(asError(error)).toBe(error);
    expect(asError('plain')).toMatchObject({ name: 'Error', message: 'plain' });
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, index]));
}
