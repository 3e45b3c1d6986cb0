import { describe, expect, it } from '@jest/globals';
import type { AdmissionOptions } from '../../../lib/engine/core/api/admission.types.js';
import { InvalidOptionError } from '../../../lib/engine/core/errors/index.js';
import { type AdmissionRules, admissionOf, resolveAdmission } from '../../../lib/engine/core/workflows/admission.js';
import { encodeAdmission } from '../../../lib/engine/redis/runs/create-run.js';

const rulesOf = (options: AdmissionOptions) => resolveAdmission(options) as AdmissionRules;
const byId = ({ id }: { id: string }) => id;

function thrown(act: () => unknown): InvalidOptionError {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
  }
  throw new Error('nothing was refused');
}

describe('resolveAdmission()', () => {
  it('is nothing for a workflow without any of the options', () => {
    expect(resolveAdmission({})).toBeUndefined();
  });

  it('reads durations', () => {
    const rules = rulesOf({
      throttle: { limit: 2, period: '1m' },
      rateLimit: { key: byId, limit: 5, period: 500 },
      debounce: { key: byId, period: '5s', timeout: '1m' },
    });
    expect(rules.throttle).toEqual({ key: undefined, limit: 2, periodMs: 60_000 });
    expect(rules.rateLimit).toEqual({ key: byId, limit: 5, periodMs: 500 });
    expect(rules.debounce).toEqual({ key: byId, periodMs: 5_000, timeoutMs: 60_000 });
  });

  it.each<[string, object]>([
    ['mutex', { mutex: 'order' }],
    ['mutex', { mutex: null }],
    ['throttle.limit', { throttle: { limit: 0, period: 1 } }],
    ['throttle.limit', { throttle: { limit: 1.5, period: 1 } }],
    ['throttle.limit', { throttle: { period: 1 } }],
    ['throttle.period', { throttle: { limit: 1, period: 0 } }],
    ['throttle.period', { throttle: { limit: 1 } }],
    ['throttle.key', { throttle: { limit: 1, period: 1, key: 'id' } }],
    ['per', { throttle: { limit: 1, period: 1, per: 1 } }],
    ['options', { throttle: null }],
    ['rateLimit.period', { rateLimit: { limit: 1, period: -5 } }],
    ['debounce.key', { debounce: { period: 1 } }],
    ['debounce.period', { debounce: { key: byId, period: 'soon' } }],
    ['debounce.timeout', { debounce: { key: byId, period: 10, timeout: 9 } }],
    ['limit', { debounce: { key: byId, period: 10, limit: 9 } }],
  ])('refuses %s in %j', (option, options) => {
    expect(thrown(() => resolveAdmission(options)).option).toBe(option);
  });
});

describe('admissionOf()', () => {
  const rules = rulesOf({
    mutex: byId,
    throttle: { limit: 2, period: '1m' },
    rateLimit: { key: byId, limit: 5, period: 500 },
    debounce: { key: byId, period: '5s' },
  });

  it('asks every key function', () => {
    expect(admissionOf(rules, { id: 'a' }, 'w')).toEqual({
      mutex: 'a',
      throttle: { limit: 2, periodMs: 60_000, key: '' },
      rateLimit: { limit: 5, periodMs: 500, key: 'a' },
      debounce: { periodMs: 5_000, timeoutMs: undefined, key: 'a' },
    });
  });

  it('takes undefined for no limit, and the empty text for a key', () => {
    expect(admissionOf(rulesOf({ mutex: () => undefined }), 1, 'w')).toBeUndefined();
    expect(admissionOf(rulesOf({ mutex: () => '' }), 1, 'w')).toEqual({ mutex: '' });
  });

  it.each(['{}:*', 'straße 日本 🚀', '\0', 'x'.repeat(512), 'ä'.repeat(256)])('takes %j as it is', (key) => {
    const admission = admissionOf(rulesOf({ mutex: () => key }), 1, 'w');
    expect(JSON.parse(encodeAdmission({ admission }))).toEqual({ m: key });
  });

  it.each<[string, unknown]>([
    ['513 bytes', 'x'.repeat(513)],
    ['514 bytes in 257 characters', 'ä'.repeat(257)],
    ['half a character', '\uD83C'],
    ['a number', 5],
    ['null', null],
    ['a promise', Promise.resolve('a')],
  ])('refuses %s', (_what, key) => {
    const error = thrown(() => admissionOf(rulesOf({ throttle: { key: () => key as string, limit: 1, period: 1 } }), 1, 'mail'));
    expect(error.option).toBe('throttle.key');
    expect(error.message).toContain(
      'Expected `throttle.key` of workflow "mail" to return at most 512 bytes of text, or undefined',
    );
  });

  it('keeps what a key function threw', () => {
    const error = thrown(() => admissionOf(rulesOf({ mutex: byId }), undefined, 'mail'));
    expect(error.message).toMatch(/^`mutex` of workflow "mail" threw: .*id/);
    expect(error.option).toBe('mutex');
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});
