import vm from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { ErrorClass } from '../../../lib/engine/core/api/values.types.js';
import { ErrorClasses } from '../../../lib/engine/core/errors/error-classes.js';
import { ERROR_CLASSES } from '../../../lib/engine/core/errors/error-codes.js';
import {
  DuplicateStepError,
  NonRetriableError,
  ConnectionError as OurConnectionError,
  RedflowError,
  RetryAfterError,
  RunFailedError,
} from '../../../lib/engine/core/errors/index.js';
import { asError, fromStoredError, toStoredError } from '../../../lib/engine/core/payload/stored-error.js';

const { none } = ErrorClasses;

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
    expect(toStoredError({ name: 'Odd', message: 'm' })).toEqual({ name: 'Odd', message: 'm', classNames: ['Error'] });
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

  it('keeps the names of the classes where name and code do not say them', () => {
    class DomainError extends Error {}
    class Declined extends DomainError {}
    class Named extends Error {
      override name = 'Named';
    }
    class CardDeclined extends NonRetriableError {}
    const namesOf = (thrown: unknown) => toStoredError(thrown).classNames;
    expect(namesOf(new Declined())).toEqual(['Declined', 'DomainError']);
    expect(namesOf(Object.assign(new Error('x'), { name: 'Named' }))).toEqual(['Error']);
    expect(namesOf(Object.assign(new TypeError('x'), { name: 'Named' }))).toEqual(['TypeError']);
    for (const plain of [
      new Named(),
      new Error('x'),
      new TypeError('x'),
      new CardDeclined('x'),
      new RetryAfterError(1),
      { a: 1 },
      'x',
    ]) {
      expect(namesOf(plain)).toBeUndefined();
    }
    class ConnectionError extends Error {
      override name = 'ConnectionError';
      code = 'CONNECTION';
    }
    expect(namesOf(new ConnectionError())).toEqual(['ConnectionError']);
  });

  it('takes no class name from a getter or an own field', () => {
    const error = new TypeError('x');
    const prototype = Object.create(TypeError.prototype, {
      constructor: {
        get() {
          throw new Error('called');
        },
      },
    });
    Object.setPrototypeOf(error, prototype);
    Object.assign(error, { classNames: ['RangeError'] });
    Object.defineProperty(error, 'constructor', { value: RangeError });
    expect(toStoredError(error)).toEqual({ name: 'TypeError', message: 'x', stack: error.stack });
  });

  it('loses fields, then stacks, over a limit in bytes, never classes and causes', () => {
    class Declined extends RangeError {}
    const inner = new Declined('inner');
    const error = Object.assign(new Declined('ä'.repeat(100), { cause: inner }), { rows: 'r'.repeat(10_000) });
    const { stack } = error;
    const known = { name: 'RangeError', message: error.message, classNames: ['Declined', 'RangeError'] };
    const cause = { name: 'RangeError', message: 'inner', classNames: ['Declined', 'RangeError'] };
    const bare = { ...known, stack, cause: { ...cause, stack: inner.stack } };
    const bytes = Buffer.byteLength(JSON.stringify(bare));
    expect(toStoredError(error, 20_000).rows).toHaveLength(10_000);
    expect(toStoredError(error, bytes)).toEqual(bare);
    expect(toStoredError(error, bytes - 1)).toEqual({ ...known, stack, cause });
    expect(toStoredError(error, 100)).toEqual({ ...known, cause });
  });

  it('keeps the fields of ours over a limit in bytes before their stacks', () => {
    const { stack, ...rest } = toStoredError(new RetryAfterError('5s', 'Slow down.'));
    expect(rest).toEqual({ name: 'RetryAfterError', message: 'Slow down.', code: 'RETRY_AFTER', retryAfterMs: 5_000 });
    expect(toStoredError(new RetryAfterError('5s', 'Slow down.'), 150)).toEqual(rest);
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

  it('rebuilds listed classes, by the nearest name that is listed, ours or built in', () => {
    class DomainError extends Error {}
    class Declined extends DomainError {
      constructor(readonly reason: string) {
        super(reason.toUpperCase());
      }
    }
    class Abort extends DOMException {}
    class Many extends AggregateError {}
    const stored = toStoredError(new Declined('lost'));
    const rebuild = (thrown: unknown, ...listed: ErrorClass[]) =>
      fromStoredError(toStoredError(thrown), none.with(listed, 'a test'));
    expect(rebuild(new Declined('lost'), Declined)).toBeInstanceOf(Declined);
    expect(rebuild(new Declined('lost'), Declined)).toMatchObject({ message: 'LOST', reason: 'lost' });
    const ancestor = rebuild(new Declined('lost'), DomainError);
    expect(ancestor).toBeInstanceOf(DomainError);
    expect(ancestor).not.toBeInstanceOf(Declined);
    const unknown = fromStoredError(stored);
    expect(Object.getPrototypeOf(unknown)).toBe(Error.prototype);
    for (const rebuilt of [ancestor, unknown]) expect({ ...toStoredError(rebuilt), stack: '' }).toEqual({ ...stored, stack: '' });
    expect(rebuild(new Many([new Declined('lost')]), Many)).toBeInstanceOf(Many);
    expect((rebuild(new Many([new Declined('lost')]), Many, Declined) as AggregateError).errors[0]).toBeInstanceOf(Declined);
    expect(rebuild(new Abort('x', 'TimeoutError'))).toMatchObject({ name: 'TimeoutError', message: 'x', code: 23 });
    expect(Object.getPrototypeOf(rebuild(new Abort('x')))).toBe(DOMException.prototype);
    expect(rebuild(new Abort('x'), Abort)).toBeInstanceOf(Abort);
  });

  it('tells a class of ours from another of its name', () => {
    class ConnectionError extends Error {
      override name = 'ConnectionError';
      code = 'CONNECTION';
    }
    const classes = none.with([ConnectionError], 'a test');
    const theirs = fromStoredError(toStoredError(new ConnectionError()), classes);
    expect(theirs).toBeInstanceOf(ConnectionError);
    expect(fromStoredError(toStoredError(new ConnectionError()))).not.toBeInstanceOf(RedflowError);
    const ours = fromStoredError(toStoredError(new OurConnectionError('x')), classes);
    expect(ours).toBeInstanceOf(OurConnectionError);
    class Lost extends OurConnectionError {}
    expect(fromStoredError(toStoredError(new Lost('x')), classes)).toBeInstanceOf(OurConnectionError);
    expect(fromStoredError(toStoredError(new Lost('x')), none.with([Lost], 'a test'))).toBeInstanceOf(Lost);
  });

  it('reads what was stored without class names by its name', () => {
    class Declined extends Error {}
    const classes = none.with([Declined], 'a test');
    expect(fromStoredError({ name: 'Declined', message: 'x' }, classes)).toBeInstanceOf(Declined);
    expect(fromStoredError({ name: 'TypeError', message: 'x' })).toBeInstanceOf(TypeError);
    const old = { name: 'CardDeclined', message: 'x', code: 'NON_RETRIABLE' };
    expect(fromStoredError(old)).toBeInstanceOf(NonRetriableError);
    const { stack, ...again } = toStoredError(fromStoredError(old));
    expect(again).toEqual(old);
    expect(fromStoredError({ name: 'Error', message: 'x', classNames: 'TypeError' } as never)).toBeInstanceOf(Error);
  });

  it.each(Object.entries(ERROR_CLASSES))('rebuilds %s as what it was', (code, type) => {
    // Without its constructor, whose arguments differ: an error of the class, with what every one of them has.
    const error = Object.setPrototypeOf(Object.assign(new Error('x'), { code }), type.prototype);
    Object.defineProperty(error, 'name', { value: type.name });
    const rebuilt = fromStoredError(JSON.parse(JSON.stringify(toStoredError(error))));
    expect(Object.getPrototypeOf(rebuilt)).toBe(type.prototype);
    expect(toStoredError(error).classNames).toBeUndefined();
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
