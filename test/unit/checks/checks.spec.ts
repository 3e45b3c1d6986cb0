import { describe, expect, it } from '@jest/globals';
import {
  checkCancelReason,
  checkIdempotencyKey,
  checkLimitKey,
  checkMaxAttempts,
  checkName,
  checkPositiveInteger,
  checkPrefix,
  checkPriority,
  checkRunId,
  checkScheduleId,
  checkStepName,
  checkTags,
  checkVersion,
  rejectUnknownKeys,
} from '../../../lib/engine/core/checks/checks.js';
import { checkCorrelationKey, checkEventId } from '../../../lib/engine/core/checks/text-checks.js';
import { InvalidOptionError } from '../../../lib/engine/core/errors/index.js';
import { checkEventName, checkEventPattern } from '../../../lib/engine/core/workflows/event-names.js';

const refusal = (option: string, message: string): InvalidOptionError => new InvalidOptionError(option, message);

describe('checkName()', () => {
  it.each(['a', 'order.paid:{x}*', 'заказ', '😀'.repeat(32), 'a'.repeat(128), 'with space'])('accepts %p', (name) => {
    expect(checkName(name, 'workflow')).toBe(name);
  });

  it.each([
    ['', "''"],
    ['a'.repeat(129), `'${'a'.repeat(64)}…' (129 characters)`],
    ['é'.repeat(65), `'${'é'.repeat(64)}…' (65 characters)`],
    ['a\nb', "'a\\u000ab'"],
    ['a\u0000', "'a\\u0000'"],
    ['a\u007f', "'a\\u007f'"],
    ['a\u0085', "'a\\u0085'"],
    ['\ud83d', "'\\ud83d', which has half a surrogate pair: cut texts between characters"],
    [5, '5'],
    [undefined, 'undefined'],
  ])('refuses %p', (name, shown) => {
    expect(() => checkName(name, 'queue')).toThrow(
      refusal('queue', `Expected the queue name to be 1 to 128 bytes of text without control characters; got ${shown}`),
    );
  });

  it('names the option in the error', () => {
    expect.assertions(1);
    try {
      checkName('', 'queue');
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'queue' });
    }
  });
});

describe('half a surrogate pair, as slice() leaves of an emoji,', () => {
  const cut = 'order 🎈'.slice(0, -1);
  const checks: Record<string, (text: string) => unknown> = {
    name: (text) => checkName(text, 'queue'),
    'step name': checkStepName,
    'run id': checkRunId,
    version: checkVersion,
    'schedule id': checkScheduleId,
    'idempotency key': checkIdempotencyKey,
    'event id': checkEventId,
    'event name': checkEventName,
    'event pattern': checkEventPattern,
    'correlation key': checkCorrelationKey,
    'key of a limit': (text) => checkLimitKey(text, 'mutex', 'flow'),
    'cancel reason': checkCancelReason,
    prefix: checkPrefix,
    'tag name': (text) => checkTags({ [text]: 'x' }),
    'tag value': (text) => checkTags({ x: text }),
  };

  it.each(Object.keys(checks))('is refused in a %s', (what) => {
    expect(() => checks[what](cut)).toThrow(/which has half a surrogate pair: cut texts between characters$/);
    expect(() => checks[what]('order🎈')).not.toThrow();
  });
});

describe('checkStepName()', () => {
  it('accepts any string of 1 to 512 characters', () => {
    for (const name of ['a', '\n', 'x'.repeat(512), '😀'.repeat(512)]) expect(checkStepName(name)).toBe(name);
  });

  it.each(['', 'x'.repeat(513), '😀'.repeat(513), Symbol('x')])('refuses %p', (name) => {
    expect(() => checkStepName(name)).toThrow(/^Expected the step name to be a string of 1 to 512 characters; got /);
  });

  it.each(['page#2', '#0', 'a\n#10'])('refuses %p, since calls of @Step() methods are named like that', (name) => {
    expect(() => checkStepName(name)).toThrow(
      /^Expected the step name not to end in "#" and a number, which tell the calls of a @Step\(\) method apart; got '.*#\d+'\. Use another sign, such as ":"$/,
    );
  });

  it.each(['#', 'page#', 'page#2 ', 'page#2\n', '#2a', 'C#'])('accepts %p', (name) => {
    expect(checkStepName(name)).toBe(name);
  });
});

describe('checkRunId(), checkVersion(), checkIdempotencyKey() and checkPrefix()', () => {
  it('accept what fits', () => {
    expect(checkRunId('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe('01ARZ3NDEKTSV4RRFFQ69G5FAV');
    expect(checkVersion('1.2.3')).toBe('1.2.3');
    expect(checkIdempotencyKey(`${'x'.repeat(511)}\n`)).toHaveLength(512);
    expect(checkPrefix('redflow:v1')).toBe('redflow:v1');
  });

  it('refuse what does not', () => {
    expect(() => checkRunId('')).toThrow(
      refusal('runId', "Expected `runId` to be 1 to 128 bytes of text without control characters; got ''"),
    );
    expect(() => checkRunId('x'.repeat(129))).toThrow(InvalidOptionError);
    expect(() => checkVersion(2)).toThrow('Expected `version` to be 1 to 128 bytes of text without control characters; got 2');
    expect(() => checkIdempotencyKey('')).toThrow("Expected `idempotencyKey` to be 1 to 512 bytes of text; got ''");
    expect(() => checkIdempotencyKey('é'.repeat(257))).toThrow(InvalidOptionError);
    for (const prefix of ['', '{a}', 'a b', 'a\tb', 'a\u0000', 'x'.repeat(129)]) {
      expect(() => checkPrefix(prefix)).toThrow(
        /^Expected `prefix` to be 1 to 128 bytes of text without braces, spaces or control characters; got /,
      );
    }
  });
});

describe('checkPriority(), checkMaxAttempts() and checkPositiveInteger()', () => {
  it('accept what fits', () => {
    expect(checkPriority(0)).toBe(0);
    expect(checkPriority(9)).toBe(9);
    expect(checkMaxAttempts(1)).toBe(1);
    expect(checkPositiveInteger(7, 'limit', { max: 7 })).toBe(7);
  });

  it.each([-1, 10, 1.5, Number.NaN, '5', undefined, null])('refuse priority %p', (value) => {
    expect(() => checkPriority(value)).toThrow(/^Expected `priority` to be an integer from 0 to 9; got /);
  });

  it.each([0, -1, 1.5, Number.POSITIVE_INFINITY, 2 ** 53, '3'])('refuse maxAttempts %p', (value) => {
    expect(() => checkMaxAttempts(value, 'retries.maxAttempts')).toThrow(
      /^Expected `retries.maxAttempts` to be an integer of at least 1; got /,
    );
  });

  it('refuse what is beyond the range', () => {
    expect(() => checkPositiveInteger(8, 'limit', { min: 2, max: 7 })).toThrow(
      refusal('limit', 'Expected `limit` to be an integer from 2 to 7; got 8'),
    );
  });
});

describe('checkTags()', () => {
  it('accepts up to 16 short strings, and copies them', () => {
    const tags = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`t${index}`.padEnd(64, 'x'), 'v'.repeat(256)]));
    expect(checkTags(tags)).toEqual(tags);
    expect(checkTags(tags)).not.toBe(tags);
    expect(checkTags({ empty: '' })).toEqual({ empty: '' });
  });

  it.each([
    ['a list', ['a'], 'Expected `tags` to be an object of strings; got an array'],
    ['null', null, 'Expected `tags` to be an object of strings; got null'],
    [
      'too many',
      Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`t${index}`, 'v'])),
      'Expected `tags` to hold at most 16 tags; got 17',
    ],
    ['an empty name', { '': 'v' }, "Expected names in `tags` to be 1 to 64 bytes of text; got ''"],
    ['a long name', { ['é'.repeat(33)]: 'v' }, `Expected names in \`tags\` to be 1 to 64 bytes of text; got '${'é'.repeat(33)}'`],
    ['a number', { n: 5 }, "Expected tag 'n' in `tags` to be a string of at most 256 bytes; got 5"],
    [
      'half a surrogate pair',
      { n: '\ud800' },
      `Expected tag 'n' in \`tags\` to be a string of at most 256 bytes; got '\\ud800', which has half a surrogate pair: cut texts between characters`,
    ],
    ['undefined', { n: undefined }, "Expected tag 'n' in `tags` to be a string of at most 256 bytes; got undefined"],
    [
      'a long value',
      { n: 'x'.repeat(257) },
      `Expected tag 'n' in \`tags\` to be a string of at most 256 bytes; got '${'x'.repeat(64)}…' (257 characters)`,
    ],
  ])('refuses %s', (_what, tags, message) => {
    expect(() => checkTags(tags)).toThrow(refusal('tags', message));
  });
});

describe('rejectUnknownKeys()', () => {
  const ALLOWED = ['timeout', 'retries', 'queue'];

  it('accepts supported and absent options', () => {
    rejectUnknownKeys({ timeout: 5, queue: undefined }, ALLOWED, 'workflow "order"');
    rejectUnknownKeys(undefined, ALLOWED, 'workflow "order"');
  });

  it('lists the supported options and the likely one', () => {
    expect(() => rejectUnknownKeys({ timeuot: 5 }, ALLOWED, 'workflow "order"')).toThrow(
      refusal(
        'timeuot',
        "Unsupported option 'timeuot' of workflow \"order\". Did you mean 'timeout'? Supported options are: timeout, retries, queue",
      ),
    );
    expect(() => rejectUnknownKeys({ concurrencyLimit: 5 }, ALLOWED, 'workflow "order"')).toThrow(
      'Unsupported option \'concurrencyLimit\' of workflow "order". Supported options are: timeout, retries, queue',
    );
  });

  it.each([[null], ['x'], [[]], [() => undefined]])('refuses %p as options', (options) => {
    expect(() => rejectUnknownKeys(options, ALLOWED, 'startWorker()')).toThrow(
      /^Expected the options of startWorker\(\) to be an object; got /,
    );
  });
});
